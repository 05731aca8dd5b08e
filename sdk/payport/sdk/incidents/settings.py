"""``[alerts]``: what counts as trouble, and the tables ``[alerts.sink.NAME]``, one for each way to tell somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.incidents.kinds import DAY_S, FaultClass

if TYPE_CHECKING:
    from payport.sdk.incidents.ageing import Patience
    from payport.sdk.incidents.alert import AlertSink
    from payport.sdk.incidents.budgets import Targets
    from payport.sdk.incidents.detectors import Thresholds
    from payport.sdk.incidents.outlets import Route
    from payport.sdk.settings import AccountTable


def _no_sinks() -> Mapping[str, AccountTable]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """``enabled``: whether anything is watched for incidents at all. ``runbooks``: what the addresses of pages that say
    what to do begin with, ``"https://docs.shop.example/payport/"`` say.

    ``unknown_s``: how long an operation may stay in doubt. ``expiry_days``: how long before its end a date is told.
    ``signature_failures``, ``forged_notices``, ``refusals``: so many within five minutes are trouble. ``budgets``:
    whether partners are held against the targets of ``[scorecards]`` while they work.
    ``sinks``: the tables of the ways to tell somebody, by name; the log where there is none.
    """

    enabled: bool = True
    runbooks: str = ""
    unknown_s: float = 600.0
    expiry_days: float = 30.0
    signature_failures: int = 3
    forged_notices: int = 20
    refusals: int = 5
    budgets: bool = True
    sinks: Mapping[str, AccountTable] = field(default_factory=_no_sinks)

    def thresholds(self, targets: Targets | None = None) -> Thresholds:
        """From when on something is trouble. ``targets``: of the partners, the usual ones when absent."""
        from payport.sdk.incidents.budgets import Targets  # noqa: PLC0415 - with the first gateway only
        from payport.sdk.incidents.detectors import Thresholds  # noqa: PLC0415 - see above

        return Thresholds(
            signature_failures=self.signature_failures,
            forged_notices=self.forged_notices,
            refusals=self.refusals,
            budgets=(targets or Targets()) if self.budgets else None,
        )

    def patience(self) -> Patience:
        """How long things may last."""
        from payport.sdk.incidents.ageing import Patience  # noqa: PLC0415 - see above

        return Patience(unknown_s=self.unknown_s, expiry_s=self.expiry_days * DAY_S)

    def routes(self) -> tuple[Route, ...]:
        """The sinks. Raises :class:`payport.sdk.ConfigurationError` for a table that cannot work, naming it."""
        from payport.sdk.incidents.lifecycle import Contact  # noqa: PLC0415 - see above
        from payport.sdk.incidents.outlets import Route  # noqa: PLC0415 - see above
        from payport.sdk.incidents.sinks.log import LogAlerts  # noqa: PLC0415 - see above

        if not self.sinks:
            return (Route(contact=Contact(name="log"), sink=LogAlerts()),)
        return tuple(_route(name, table) for name, table in sorted(self.sinks.items()))


COMMON = ("type", "step", "least", "burst", "every_s")


def _route(name: str, table: AccountTable) -> Route:
    from payport.sdk.incidents.lifecycle import Contact  # noqa: PLC0415 - see above
    from payport.sdk.incidents.outlets import Pace, Route  # noqa: PLC0415 - see above

    kind = table.text("type", "log")
    make = _SINKS.get(kind)
    if make is None:
        raise ConfigurationError(f"[alerts.sink.{name}] type: {kind!r} is none; give {', '.join(sorted(_SINKS))}")
    least = table.text("least", FaultClass.MINOR.value)
    if least not in {each.value for each in FaultClass}:
        raise ConfigurationError(f"[alerts.sink.{name}] least: {least!r} is none; give critical, major or minor")
    usual = Pace()
    pace = Pace(
        burst=int(table.number("burst", usual.burst, least=1)),
        every_s=table.number("every_s", usual.every_s, least=0.1),
    )
    contact = Contact(name=name, step=int(table.number("step", 0, least=0)), least=FaultClass(least))
    return Route(contact=contact, sink=make(table), pace=pace)


def _log(table: AccountTable) -> AlertSink:
    from payport.sdk.incidents.sinks.log import LogAlerts  # noqa: PLC0415 - see above

    table.only(*COMMON)
    return LogAlerts()


def _webhook(table: AccountTable) -> AlertSink:
    from payport.sdk.incidents.sinks.webhook import Webhook  # noqa: PLC0415 - see above
    from payport.sdk.tls import Trust  # noqa: PLC0415 - see above

    table.only(*COMMON, "url", "secret", "next_secret", "ca")
    secrets = [table.secret("secret")] + ([table.secret("next_secret")] if "next_secret" in table else [])
    trust = Trust(ca_data=table.text("ca")) if "ca" in table else None
    return Webhook(table.text("url"), *secrets, trust=trust)


def _mail(table: AccountTable) -> AlertSink:
    from payport.sdk.incidents.sinks.mail import Mail  # noqa: PLC0415 - see above
    from payport.sdk.tls import Trust  # noqa: PLC0415 - see above

    table.only(*COMMON, "host", "port", "security", "sender", "to", "user", "password", "ca")
    security = table.text("security", "starttls")
    return Mail(
        table.text("host"),
        sender=table.text("sender"),
        to=[each.strip() for each in table.text("to").split(",")],
        security="tls" if security == "tls" else security,  # type: ignore[arg-type]  # Mail refuses another word
        port=int(table.number("port", 0, least=0)) or None,
        user=table.text("user") if "user" in table else None,
        password=table.secret("password") if "password" in table else None,
        trust=Trust(ca_data=table.text("ca")) if "ca" in table else None,
    )


_SINKS: Mapping[str, Callable[[AccountTable], AlertSink]] = MappingProxyType(
    {"log": _log, "webhook": _webhook, "mail": _mail}
)
