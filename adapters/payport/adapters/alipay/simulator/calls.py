"""One verified call as a handler sees it, and the two ways to answer it: an answer or a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import cast

CHINA = timezone(timedelta(hours=8), "CST")
"""Every time on Alipay's wire is China Standard Time without saying so."""

MAX_AMOUNT_MINOR = 10_000_000_000
_AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")
_SPAN = re.compile(r"(\d{1,5})([mhd])")
_UNITS = MappingProxyType({"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)})
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Refusal(Exception):
    """The partner says no. ``fields``: what stands beside the code; ``code``: 40004 for business refusals."""

    def __init__(
        self, sub_code: str, sub_msg: str, *, code: str = "40004", fields: Mapping[str, object] = _NO_FIELDS
    ) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.code = code
        self.fields = fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The partner says yes, or (10003) that the payer must confirm."""

    fields: Mapping[str, object]
    code: str = "10000"


def invalid_code(method: str) -> str:
    """What this family of methods calls a wrong parameter."""
    if method.startswith("alipay.trade.") and not method.startswith("alipay.trade.royalty."):
        return "ACQ.INVALID_PARAMETER" if method != "alipay.trade.order.settle.query" else "INVALID_PARAMETER"
    return "ILLEGAL_ARGUMENT" if method.startswith("alipay.fund.auth.") else "INVALID_PARAMETER"


def system_error_code(method: str) -> str:
    """What this family of methods calls a fault of its own. Cancel's spelling is Alipay's own."""
    if method == "alipay.trade.cancel":
        return "AQC.SYSTEM_ERROR"
    acquiring = method.startswith("alipay.trade.") and not method.startswith("alipay.trade.royalty.")
    return "ACQ.SYSTEM_ERROR" if acquiring else "SYSTEM_ERROR"


def not_found_code(method: str) -> str:
    """What this family of methods calls an order that it does not know."""
    if method == "alipay.trade.fastpay.refund.query":
        return "TRADE_NOT_EXIST"
    if method.startswith("alipay.trade."):
        return "ACQ.TRADE_NOT_EXIST"
    return "AUTH_ORDER_NOT_EXIST" if method.startswith("alipay.fund.auth.") else "ORDER_NOT_EXIST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the gate. ``now``: the partner's clock. ``slow``: answer without finishing."""

    method: str
    params: Mapping[str, str] = field(repr=False)
    biz: Mapping[str, object] = field(repr=False)
    now: datetime
    slow: bool = False

    def invalid(self, message: str) -> Refusal:
        """The refusal of a wrong parameter, in the words of this method's family."""
        return Refusal(invalid_code(self.method), message)

    def text(self, name: str) -> str | None:
        """A business parameter as text, ``None`` when absent or empty."""
        value = self.biz.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool | Mapping | list):
            raise self.invalid(f"{name} must be text")
        return str(value)

    def need(self, name: str) -> str:
        """A business parameter that must be there."""
        value = self.text(name)
        if value is None:
            raise self.invalid(f"{name} is missing")
        return value

    def money(self, name: str, *, at_least_minor: int = 1) -> int:
        """An amount in fen."""
        match = _AMOUNT.fullmatch(self.need(name))
        if match is None:
            raise self.invalid(f"{name} must be yuan with two places")
        minor = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
        if not at_least_minor <= minor <= MAX_AMOUNT_MINOR:
            raise self.invalid(f"{name} is out of range")
        return minor

    def record(self, name: str) -> Mapping[str, object]:
        """A business parameter that is an object; empty when absent."""
        value = self.biz.get(name)
        return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else _NO_FIELDS

    def records(self, name: str) -> list[Mapping[str, object]]:
        """A business parameter that is a list of objects; empty when absent."""
        value = self.biz.get(name)
        items = cast("list[object]", value) if isinstance(value, list) else []
        return [cast("Mapping[str, object]", item) for item in items if isinstance(item, Mapping)]

    def options(self) -> frozenset[str]:
        """The ``query_options``."""
        value = self.biz.get("query_options")
        return frozenset(str(item) for item in cast("list[object]", value)) if isinstance(value, list) else frozenset()

    def expiry(self, default: timedelta, *, span: str = "timeout_express") -> datetime:
        """When the order ends: ``time_expire`` wins over the span (``90m``, ``1c``), which wins over ``default``."""
        absolute = self.text("time_expire")
        if absolute is not None:
            at = read_time(absolute)
            if at is None:
                raise self.invalid("time_expire must be yyyy-MM-dd HH:mm[:ss]")
            if at <= self.now:
                raise Refusal("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR", "time_expire is over")
            return at
        return self.now + self.span(span, default)

    def span(self, name: str, default: timedelta) -> timedelta:
        """A length of time as Alipay writes it."""
        text = self.text(name)
        if text is None:
            return default
        if text == "1c":
            local = self.now.astimezone(CHINA)
            return local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - local
        match = _SPAN.fullmatch(text)
        length = int(match[1]) * _UNITS[match[2]] if match else timedelta(0)
        if not timedelta(0) < length <= timedelta(days=15):
            raise self.invalid(f"{name} must be 1m to 15d or 1c")
        return length


def yuan(minor: int) -> str:
    """Fen as Alipay writes amounts: ``12.34``."""
    return f"{minor // 100}.{minor % 100:02d}"


def wire_time(at: datetime) -> str:
    """A moment as Alipay writes it."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def read_time(text: str) -> datetime | None:
    """A moment from Alipay's spelling, ``None`` when it is none."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA)
        except ValueError:
            continue
    return None
