"""The values that every part of Payport speaks: money, orders, outcomes, events, identifiers. They do nothing."""

from typing import TYPE_CHECKING

from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect
from payport.schemas.classes import INTERNAL, PERSONAL, PUBLIC, SECRET, FieldClass, field_classes, masked
from payport.schemas.events import (
    Acknowledgement,
    Change,
    Event,
    EventKind,
    RawNotification,
    Received,
    Rejected,
    RejectedKind,
    Verified,
)
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, PortableMethod, QrScanned, QrShown
from payport.schemas.money import Money, exponent
from payport.schemas.order import CaptureMode, CompletionMode, Order, Payer, PayoutOrder
from payport.schemas.outcome import (
    ActionRequired,
    Authorized,
    CancelOutcome,
    CaptureOutcome,
    Declined,
    NotSent,
    NotSentCause,
    NotSentKind,
    OutcomeError,
    PayOutcome,
    PayoutOutcome,
    Pending,
    Reason,
    RefundOutcome,
    Retriable,
    Succeeded,
    Unknown,
    UnknownCause,
    UnknownKind,
)
from payport.schemas.payment import (
    Authorization,
    Cancellation,
    CancelledBy,
    Capture,
    Fact,
    FactKind,
    Payment,
    Payout,
    Refund,
)
from payport.schemas.references import PartnerId, check_reference, is_portable

if TYPE_CHECKING:
    from payport.schemas.encoding import EncodingError, from_json, json_schema, to_json
    from payport.schemas.identifiers import Bic, CardNumber, Cnaps, Iban, Lei, ResidentId, Sex, Uscc
else:
    # a dataclass takes 0.5 ms to make: what a payment does without is loaded with its first use
    _LATER = {
        "encoding": ("EncodingError", "from_json", "json_schema", "to_json"),
        "identifiers": ("Bic", "CardNumber", "Cnaps", "Iban", "Lei", "ResidentId", "Sex", "Uscc"),
    }

    def __getattr__(name: str) -> object:
        for module, names in _LATER.items():
            if name in names:
                from importlib import import_module  # noqa: PLC0415 - only here

                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "INTERNAL",
    "PERSONAL",
    "PUBLIC",
    "SECRET",
    "Acknowledgement",
    "Action",
    "ActionRequired",
    "AppParameters",
    "Authorization",
    "Authorized",
    "Bic",
    "CancelOutcome",
    "Cancellation",
    "CancelledBy",
    "Capture",
    "CaptureMode",
    "CaptureOutcome",
    "CardNumber",
    "Change",
    "Cnaps",
    "CompletionMode",
    "Declined",
    "EncodingError",
    "Event",
    "EventKind",
    "Fact",
    "FactKind",
    "FieldClass",
    "HostedPage",
    "Iban",
    "InApp",
    "Lei",
    "MiniProgram",
    "MobileWeb",
    "Money",
    "NotSent",
    "NotSentCause",
    "NotSentKind",
    "Order",
    "OutcomeError",
    "PartnerId",
    "PayOutcome",
    "Payer",
    "Payment",
    "Payout",
    "PayoutOrder",
    "PayoutOutcome",
    "Pending",
    "PortableMethod",
    "PostForm",
    "QrCode",
    "QrScanned",
    "QrShown",
    "RawNotification",
    "Reason",
    "Received",
    "Redirect",
    "Refund",
    "RefundOutcome",
    "Rejected",
    "RejectedKind",
    "ResidentId",
    "Retriable",
    "Sex",
    "Succeeded",
    "Unknown",
    "UnknownCause",
    "UnknownKind",
    "Uscc",
    "Verified",
    "check_reference",
    "exponent",
    "field_classes",
    "from_json",
    "is_portable",
    "json_schema",
    "masked",
    "to_json",
]
