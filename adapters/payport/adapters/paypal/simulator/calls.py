"""One call as a handler sees it, and the two ways to answer it: an answer or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from payport.adapters.paypal.money import CURRENCIES, NO_DECIMALS, from_wire
from payport.schemas.money import Money, exponent

NAMES = {
    400: "INVALID_REQUEST",
    401: "AUTHENTICATION_FAILURE",
    403: "NOT_AUTHORIZED",
    404: "RESOURCE_NOT_FOUND",
    409: "RESOURCE_CONFLICT",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_ENTITY",
    429: "RATE_LIMIT_REACHED",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class Refusal(Exception):
    """PayPal says no. ``links``: where the payer, or we, may go instead, by relation."""

    def __init__(
        self,
        status: int,
        issue: str,
        description: str = "",
        *,
        name: str | None = None,
        field_name: str | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(issue)
        self.status = status
        self.issue = issue
        self.description = description
        self.name = name or NAMES[status]
        self.field_name = field_name
        self.links = dict(links or {})


def unprocessable(issue: str, description: str = "", *, links: Mapping[str, str] | None = None) -> Refusal:
    """The usual refusal of what is well formed and cannot be done."""
    return Refusal(422, issue, description, links=links)


def missing(what: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, "INVALID_RESOURCE_ID", f"Specified {what} does not exist.")


@dataclass(frozen=True, slots=True)
class Answer:
    """PayPal says yes. ``shows``: makes the body, from what stands in the books at that moment."""

    status: int
    shows: Callable[[], Mapping[str, object]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the door. ``number``: the one in its path; ``slow``: answer without finishing."""

    endpoint: str
    number: str
    query: Mapping[str, str]
    body: Mapping[str, object] = field(repr=False)
    request_id: str | None
    now: datetime
    slow: bool = False

    def record(self, *names: str) -> Mapping[str, object]:
        """An object inside the body; empty when absent."""
        node: object = self.body
        for name in names:
            node = cast("Mapping[str, object]", node).get(name) if isinstance(node, dict) else None
        return cast("Mapping[str, object]", node) if isinstance(node, dict) else {}

    def records(self, name: str) -> list[Mapping[str, object]]:
        """A list of objects in the body."""
        value = self.body.get(name)
        items = cast("list[object]", value) if isinstance(value, list) else []
        return [cast("Mapping[str, object]", item) for item in items if isinstance(item, dict)]


def text(node: Mapping[str, object], name: str, *, longest: int = 127) -> str | None:
    """A text field, ``None`` when absent."""
    value = node.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Refusal(400, "INVALID_STRING_LENGTH", f"1 to {longest} characters", field_name=f"/{name}")
    return value


def need(node: Mapping[str, object], name: str, *, longest: int = 127) -> str:
    """A text field that must be there."""
    value = text(node, name, longest=longest)
    if value is None:
        raise Refusal(400, "MISSING_REQUIRED_PARAMETER", "A required parameter is missing.", field_name=f"/{name}")
    return value


def amount(node: Mapping[str, object], *, currency: str = "currency_code") -> Money:
    """An amount as it must be."""
    code, value = need(node, currency, longest=3), need(node, "value", longest=32)
    if code not in CURRENCIES:
        raise unprocessable("INVALID_CURRENCY_CODE", "Currency code is invalid or not supported.")
    decimals = len(value.partition(".")[2])
    if code in NO_DECIMALS and decimals:
        raise unprocessable("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.")
    if decimals > exponent(code):
        raise unprocessable("DECIMAL_PRECISION", "The value has too many decimals.")
    try:
        money = from_wire(value, code)
    except ValueError:
        raise Refusal(400, "INVALID_PARAMETER_SYNTAX", "The value is no number.", field_name="/amount/value") from None
    if money.amount_minor <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
    return money


def wire_time(at: datetime) -> str:
    """A time as PayPal writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
