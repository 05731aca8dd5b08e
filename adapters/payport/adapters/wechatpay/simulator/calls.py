"""One verified call as a handler sees it, and the two ways to answer it: an answer or a refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import cast

CHINA = timezone(timedelta(hours=8), "CST")
MAX_AMOUNT_MINOR = 10_000_000_000
NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}", re.ASCII)
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)
NOTIFY_URL = re.compile(r"https://[^?#\s]{1,247}", re.ASCII)
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class Refusal(Exception):
    """WeChat says no. ``status``: HTTP. ``detail``: what stands beside code and message."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, detail: Mapping[str, object] = _NO_FIELDS
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """WeChat says yes. ``fields``: ``None`` for 204, which has no body. ``file``: sent instead, signed by nobody."""

    fields: Mapping[str, object] | None
    file: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authentic request. ``name``: the path as the documents write it. ``slow``: accept, do not finish yet.

    ``path``: what stands in its braces. ``content``: the body in one spelling, to compare repetitions by.
    ``decrypt``: opens a sensitive field with the key that the request says it was made for; raises ``ValueError``.
    """

    name: str
    path: Mapping[str, str]
    query: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object] = field(repr=False)
    now: datetime
    decrypt: Callable[[str], str] = field(repr=False)
    slow: bool = False

    @property
    def partner(self) -> bool:
        """Whether this is a service provider's form of the call."""
        return self.name.startswith("/v3/pay/partner/")

    @property
    def content(self) -> str:
        """The body in one spelling."""
        return canonical(self.body)

    def at(self, pointer: str) -> object:
        """The member of the body at ``/amount/total`` or the like, ``None`` when absent."""
        value: object = self.body
        for name in pointer.strip("/").split("/"):
            value = _member(value, name)
        return value

    def text(self, pointer: str, *, longest: int = 128) -> str | None:
        """A text, ``None`` when absent. Empty, too long or of another kind: PARAM_ERROR."""
        value = self.at(pointer)
        if value is None:
            return None
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise wrong(pointer, value, f"a text of 1 to {longest} characters")
        return value

    def need(self, pointer: str, *, longest: int = 128) -> str:
        """A text that must be there."""
        value = self.text(pointer, longest=longest)
        if value is None:
            raise wrong(pointer, None, "missing")
        return value

    def number(self, pointer: str, form: re.Pattern[str] = NUMBER) -> str:
        """One of the merchant's own numbers."""
        value = self.need(pointer)
        if form.fullmatch(value) is None:
            raise wrong(pointer, value, "characters or length")
        return value

    def fen(self, pointer: str, *, at_least_minor: int = 1) -> int:
        """An amount in fen: a whole number, neither text nor fraction."""
        value = self.at(pointer)
        if not isinstance(value, int) or isinstance(value, bool) or not at_least_minor <= value <= MAX_AMOUNT_MINOR:
            raise wrong(pointer, value, f"a whole number of fen from {at_least_minor}")
        return value

    def flag(self, pointer: str) -> bool:
        """A truth value, false when absent."""
        value = self.at(pointer)
        if value is not None and not isinstance(value, bool):
            raise wrong(pointer, value, "true or false")
        return value is True

    def records(self, pointer: str) -> list[Mapping[str, object]]:
        """A list of objects, empty when absent."""
        value = self.at(pointer)
        if value is None:
            return []
        items = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(item, Mapping) for item in items):
            raise wrong(pointer, None, "a list of objects")
        return [cast("Mapping[str, object]", item) for item in items]

    def part(self, body: Mapping[str, object]) -> Call:
        """The same call with one object of its body for the whole."""
        return Call(
            name=self.name,
            path=self.path,
            query=self.query,
            body=body,
            now=self.now,
            decrypt=self.decrypt,
            slow=self.slow,
        )

    def notify_url(self, pointer: str = "/notify_url", *, needed: bool = False) -> str | None:
        """Where to tell the merchant: a public address without a query."""
        value = self.need(pointer, longest=256) if needed else self.text(pointer, longest=256)
        if value is not None and NOTIFY_URL.fullmatch(value) is None:
            raise wrong(pointer, value, "https and no query")
        return value

    def sensitive(self, pointer: str) -> str | None:
        """An encrypted text, opened; ``None`` when absent."""
        value = self.text(pointer, longest=1024)
        if value is None:
            return None
        try:
            return self.decrypt(value)
        except ValueError:
            raise wrong(pointer, None, "cannot be decrypted") from None

    def yuan_only(self, pointer: str = "/amount/currency", *, needed: bool = False) -> None:
        """Only CNY."""
        if (self.need(pointer) if needed else self.text(pointer) or "CNY") != "CNY":
            raise wrong(pointer, self.at(pointer), "CNY")

    def moment(self, pointer: str) -> datetime | None:
        """An RFC 3339 time, ``None`` when absent."""
        value = self.text(pointer, longest=64)
        if value is None:
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise wrong(pointer, value, "RFC 3339") from None
        if at.tzinfo is None or "T" not in value:
            raise wrong(pointer, value, "RFC 3339 with an offset")
        return at


def _member(value: object, name: str) -> object:
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None


def wrong(pointer: str, value: object, issue: str) -> Refusal:
    """The refusal of one wrong parameter, which names it."""
    detail = {"field": pointer, "value": value, "issue": issue, "location": "body"}
    return Refusal("PARAM_ERROR", f"参数错误 {pointer}: {issue}", detail=detail)


def canonical(content: object) -> str:
    """JSON in one spelling, to compare by."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)


def wire_time(at: datetime) -> str:
    """A moment as WeChat writes it."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def wire_time_ms(at: datetime) -> str:
    """A moment as transfers write it, with milliseconds."""
    return at.astimezone(CHINA).isoformat(timespec="milliseconds")
