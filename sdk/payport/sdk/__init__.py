"""The machinery: gateways over adapters, with a journal under them. Names load on first use, so importing is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.lazy import lazily

if TYPE_CHECKING:
    from payport.sdk.breaker import Breaker, BreakerPolicy
    from payport.sdk.errors import (
        ConfigurationError,
        GatewayClosed,
        JournalConflict,
        JournalError,
        NotPermitted,
        PayportError,
        ReferenceConflict,
    )
    from payport.sdk.events import EventSink, Level, SdkEvent, StructlogSink
    from payport.sdk.gateway import AsyncGateway, Gateway
    from payport.sdk.guards import Guards
    from payport.sdk.journal.store import Journal
    from payport.sdk.limits.limiter import Limiter
    from payport.sdk.opening import (
        open_alerts,
        open_async_gateway,
        open_gateway,
        open_guards,
        open_journal,
        open_watch,
    )
    from payport.sdk.operations.querying import Observed, UnknownReference
    from payport.sdk.operations.resuming import Resumed
    from payport.sdk.profile import CallLimit, Ladder, Profile
    from payport.sdk.redaction import configure_logging
    from payport.sdk.retry import RetryPolicy
    from payport.sdk.router import AsyncRouter, Router, avia, via
    from payport.sdk.routing import Health
    from payport.sdk.secrets import Secret
    from payport.sdk.settings import Settings, open_adapter
    from payport.sdk.tls import ClientCertificate, Trust
    from payport.sdk.verbs import GatewayVerb
    from payport.sdk.version import __version__

_HOME = {
    "AsyncGateway": "gateway",
    "AsyncRouter": "router",
    "Breaker": "breaker",
    "BreakerPolicy": "breaker",
    "CallLimit": "profile",
    "ClientCertificate": "tls",
    "ConfigurationError": "errors",
    "EventSink": "events",
    "Gateway": "gateway",
    "GatewayClosed": "errors",
    "GatewayVerb": "verbs",
    "Guards": "guards",
    "Health": "routing",
    "Journal": "journal.store",
    "JournalConflict": "errors",
    "JournalError": "errors",
    "Ladder": "profile",
    "Level": "events",
    "Limiter": "limits.limiter",
    "NotPermitted": "errors",
    "Observed": "operations.querying",
    "PayportError": "errors",
    "Profile": "profile",
    "ReferenceConflict": "errors",
    "Resumed": "operations.resuming",
    "RetryPolicy": "retry",
    "Router": "router",
    "SdkEvent": "events",
    "Secret": "secrets",
    "Settings": "settings",
    "StructlogSink": "events",
    "Trust": "tls",
    "UnknownReference": "operations.querying",
    "__version__": "version",
    "avia": "router",
    "configure_logging": "redaction",
    "open_adapter": "settings",
    "open_alerts": "opening",
    "open_async_gateway": "opening",
    "open_gateway": "opening",
    "open_guards": "opening",
    "open_journal": "opening",
    "open_watch": "opening",
    "via": "router",
}

__all__ = [
    "AsyncGateway",
    "AsyncRouter",
    "Breaker",
    "BreakerPolicy",
    "CallLimit",
    "ClientCertificate",
    "ConfigurationError",
    "EventSink",
    "Gateway",
    "GatewayClosed",
    "GatewayVerb",
    "Guards",
    "Health",
    "Journal",
    "JournalConflict",
    "JournalError",
    "Ladder",
    "Level",
    "Limiter",
    "NotPermitted",
    "Observed",
    "PayportError",
    "Profile",
    "ReferenceConflict",
    "Resumed",
    "RetryPolicy",
    "Router",
    "SdkEvent",
    "Secret",
    "Settings",
    "StructlogSink",
    "Trust",
    "UnknownReference",
    "__version__",
    "avia",
    "configure_logging",
    "open_adapter",
    "open_alerts",
    "open_async_gateway",
    "open_gateway",
    "open_guards",
    "open_journal",
    "open_watch",
    "via",
]


__getattr__ = lazily(__name__, _HOME)
