"""Fields of an answer, checked: amounts, statuses, links, and refusals by their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar, assert_never
from urllib.parse import urlsplit

from pydantic import ValidationError

from payport.adapters.paypal.calls import Reply
from payport.adapters.paypal.mapping import Meaning
from payport.adapters.paypal.money import from_wire
from payport.adapters.paypal.wire import PayPalAmount, PayPalLink, PayPalPayoutAmount, Wire
from payport.schemas.actions import Redirect
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)


class Unreadable(Exception):
    """An answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], node: Mapping[str, object]) -> WireT:
    """The answer's fields, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(amount: PayPalAmount | PayPalPayoutAmount | None) -> Money:
    """An amount that must be there. Raises :class:`Unreadable`."""
    if amount is None:
        raise Unreadable("no amount")
    currency = amount.currency_code if isinstance(amount, PayPalAmount) else amount.currency
    try:
        return from_wire(amount.value, currency)
    except ValueError:
        raise Unreadable("an amount is not one that PayPal can mean") from None


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


def unknown_status(source: Source, what: str, status: str | None) -> Observation:
    """Kept, and doubted."""
    return doubt(source, UnknownKind.UNKNOWN_STATUS, f"{what} status {status}")


def link(links: Sequence[PayPalLink], *relations: str) -> str | None:
    """The address of the first relation that is there."""
    for relation in relations:
        for each in links:
            if each.rel == relation:
                return each.href
    return None


def page(links: Sequence[PayPalLink]) -> str | None:
    """Where the payer approves. Raises :class:`Unreadable` for an address that no browser should be sent to."""
    address = link(links, "payer-action", "approve", "redirect")
    if address is not None and (not address.startswith("https://") or not address.isprintable() or " " in address):
        raise Unreadable("the page to approve on is no https address")
    return address


def last_part(address: str | None) -> str | None:
    """The number at the end of a link."""
    return urlsplit(address).path.rpartition("/")[2] or None if address else None


def refusal(reply: Reply) -> Observation:
    """What a refusal means where nothing more is known than its issue."""
    found = reply.verdict
    words = f"{reply.code} {reply.words}".strip()
    match found.meaning:
        case Meaning.REFUSED:
            return Observation(
                state=State.DECLINED,
                source=Source.REPLY,
                reason=found.reason,
                partner_code=reply.code,
                message=reply.words,
                again=found.again,
            )
        case Meaning.PAYER:
            return _try_again(reply)
        case Meaning.UNKNOWN:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, words, again=found.again)
        case Meaning.ABSENT:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, words)
        case Meaning.DONE:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{words}: it was done before; ask how")
        case Meaning.CONFLICT:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"reference: {words}: PayPal holds it with other data")
        case _:
            assert_never(found.meaning)


def _try_again(reply: Reply) -> Observation:
    """Nothing was taken: the payer may approve, or come back and choose another way to pay."""
    assert reply.error is not None
    try:
        address = page(reply.error.links)
    except Unreadable:
        address = None  # the page that was handed out before serves as well
    refused = reply.verdict.reason is Reason.DECLINED
    return Observation(
        state=State.ACTION,
        source=Source.REPLY,
        action=Redirect(url=address) if address is not None else None,
        reason=Reason.DECLINED if refused else None,
        partner_code=reply.code,
        message=reply.words,
    )


def unanswered(answer: Observation, what: str) -> Observation:
    """A question that was not answered teaches nothing, whether it left or not."""
    cause = answer.unknown or answer.not_sent
    kind = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT
    return doubt(Source.QUERY, kind, f"{what} was not answered: {cause}")


def refused_question(reply: Reply, what: str) -> Observation:
    """A refused question says nothing of the operation, but that PayPal knows no such thing."""
    if reply.verdict.meaning is Meaning.ABSENT:
        return doubt(Source.QUERY, UnknownKind.NOT_FOUND, f"{what}: {reply.code}")
    return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, f"{what} was refused: {reply.code or reply.status}")
