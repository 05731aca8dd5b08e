"""What Adyen's answers teach: payments, links, sessions, modifications, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar, assert_never, cast

from pydantic import ValidationError

from payport.adapters.adyen.account import AdyenAccount
from payport.adapters.adyen.calls import Answer, Call
from payport.adapters.adyen.mapping import (
    RECEIVED,
    LinkStatus,
    Meaning,
    ResultCode,
    SessionStatus,
    Verdict,
    refusal_reason,
    verdict,
)
from payport.adapters.adyen.money import from_wire
from payport.adapters.adyen.planning import LINK, MANUAL, PSP, SESSION, TAKE
from payport.adapters.adyen.wire import (
    AdyenAmount,
    AdyenLink,
    AdyenPayment,
    AdyenSessionRecord,
    Modification,
    ServiceError,
    SessionResult,
    Wire,
)
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownCause, UnknownKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

_ROUNDING = timedelta(seconds=60)

WireT = TypeVar("WireT", bound=Wire)
CodeT = TypeVar("CodeT", bound=Enum)
_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str).encode


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], node: object) -> WireT:
    """The record, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(amount: AdyenAmount | None) -> Money | None:
    """An amount as Adyen counts it, ``None`` where none is said. Raises :class:`Unreadable`."""
    if amount is None:
        return None
    try:
        return from_wire(amount.value, amount.currency)
    except ValueError:
        raise Unreadable("an amount is none in its currency") from None


def instant(text: str | None) -> datetime | None:
    """A time, in UTC; ``None`` without an offset, when it is missing or none: it decides nothing."""
    try:
        found = datetime.fromisoformat(text or "")
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def known(kind: type[CodeT], text: str | None) -> CodeT | None:
    """The code, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


def read_payment(operation: Operation, payment: AdyenPayment) -> Observation:
    """What an answer to ``/payments`` or ``/payments/details`` teaches. What it says is compared by the sdk."""
    code = known(ResultCode, payment.result_code)
    match code:
        case None:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"resultCode {payment.result_code}")
        case ResultCode.AUTHORISED:
            if payment.psp_reference is None:
                raise Unreadable("authorised without a pspReference")
            held = operation.identity.get(TAKE) == MANUAL
            return _told(payment, State.AUTHORIZED if held else State.SUCCEEDED)
        case ResultCode.PARTIALLY_AUTHORISED:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, "amount: only a part of it was authorised")
        case ResultCode.RECEIVED | ResultCode.PENDING:
            return _told(payment, State.PENDING)
        case (
            ResultCode.REDIRECT_SHOPPER
            | ResultCode.IDENTIFY_SHOPPER
            | ResultCode.CHALLENGE_SHOPPER
            | ResultCode.PRESENT_TO_SHOPPER
        ):
            return _told(payment, State.ACTION, action=action_of(payment.action))
        case ResultCode.REFUSED | ResultCode.ERROR:
            return _told(payment, State.DECLINED, reason=refusal_reason(payment.refusal_reason_code))
        case ResultCode.CANCELLED:
            return _told(payment, State.DECLINED, reason=Reason.CLOSED)
        case ResultCode.AUTHENTICATION_FINISHED | ResultCode.AUTHENTICATION_NOT_REQUIRED | ResultCode.SUCCESS:
            detail = f"resultCode {payment.result_code}: an authentication alone, which was not asked for"
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, detail)
        case _:
            assert_never(code)


def _told(
    payment: AdyenPayment, state: State, *, action: Action | None = None, reason: Reason | None = None
) -> Observation:
    authorised = state in (State.AUTHORIZED, State.SUCCEEDED)
    return Observation(
        state=state,
        source=Source.REPLY,
        partner_ref=payment.merchant_reference,
        amount=money(payment.amount),
        partner_id=payment.psp_reference if authorised else None,
        ids={PSP: payment.psp_reference} if payment.psp_reference and state is not State.ACTION else {},
        action=action,
        reason=reason,
        partner_code=payment.refusal_reason_code if reason is not None else None,
        message=payment.refusal_reason or "" if reason is not None else "",
        native=payment,
    )


def action_of(node: Mapping[str, object] | None) -> Action:
    """What the payer must do. What only Adyen's own components understand is handed to them whole."""
    if node is None or not isinstance(node.get("type"), str):
        raise Unreadable("the payer must act, and no action is there")
    url, data = node.get("url"), node.get("data")
    if node["type"] == "redirect" and isinstance(url, str) and url.startswith(("https://", "http://")):
        if str(node.get("method", "GET")).upper() == "GET":
            return Redirect(url=url)
        if not isinstance(data, Mapping):
            return PostForm(url=url, fields={})
        fields = cast("Mapping[str, object]", data)
        return PostForm(url=url, fields={name: str(value) for name, value in fields.items()})
    if node["type"] == "redirect":
        raise Unreadable("a redirect without a URL")
    code = node.get("qrCodeData")
    if node["type"] == "qrCode" and isinstance(code, str) and code:
        return QrCode(text=code)
    return AppParameters(payload=_to_text(dict(node)), fields={})


def read_link(account: AdyenAccount, asked: Call, link: AdyenLink) -> Observation:
    """What a new payment link teaches."""
    if link.merchant_account != account.merchant_account:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "merchant: the link is another account's")
    status = known(LinkStatus, link.status)
    told = Observation(
        state=State.ACTION,
        source=Source.REPLY,
        partner_ref=link.reference,
        amount=money(link.amount),
        ids={LINK: link.id},
        action=Redirect(url=link.url),
        native=link,
    )
    if status is None:
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"link status {link.status}")
    if not link.url.startswith(("https://", "http://")):
        raise Unreadable("the link is no URL")
    if _open_longer(asked, link.expires_at):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, _LONGER)
    return told  # a repetition is told what the first try was: the link as it was made


_LONGER = "expiresAt: the page can be paid longer than was asked for, so it is not handed out"


def _open_longer(asked: Call, told: str | None) -> bool:
    """Whether what was made outlives what was asked for by more than seconds: its end decides when it is over."""
    wanted, end = instant(str(asked.body.get("expiresAt"))), instant(told)
    return wanted is not None and end is not None and end > wanted + _ROUNDING


def read_session(account: AdyenAccount, asked: Call, session: AdyenSessionRecord) -> Observation:
    """What a new session teaches."""
    if session.merchant_account != account.merchant_account:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "merchant: the session is another account's")
    if session.session_data is None:
        raise Unreadable("the session has no sessionData")
    if _open_longer(asked, session.expires_at):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, _LONGER)
    fields = {
        "id": session.id,
        "sessionData": session.session_data,
        "clientKey": account.client_key or "",
        "environment": "live" if account.live else "test",
    }
    return Observation(
        state=State.ACTION,
        source=Source.REPLY,
        partner_ref=session.reference,
        amount=money(session.amount),
        ids={SESSION: session.id},
        action=AppParameters(payload=_to_text(fields), fields=fields),
    )


def read_result(operation: Operation, result: SessionResult) -> Observation:
    """What a session's result teaches: an authorised payment in it, or nothing final. A webhook tells the rest."""
    if result.id is not None and result.id != operation.ids.get(SESSION):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another session")
    if known(SessionStatus, result.status) is None:
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"session status {result.status}")
    for payment in result.payments:
        if known(ResultCode, payment.result_code) is ResultCode.AUTHORISED and payment.psp_reference is not None:
            held = operation.identity.get(TAKE) == MANUAL
            return Observation(
                state=State.AUTHORIZED if held else State.SUCCEEDED,
                source=Source.REPLY,
                partner_ref=result.reference,
                amount=money(payment.amount),
                partner_id=payment.psp_reference,
                ids={PSP: payment.psp_reference},
            )
    state = State.PENDING if result.status in ("completed", "paymentPending") else State.ACTION
    return Observation(state=state, source=Source.REPLY, partner_ref=result.reference)


def read_modification(account: AdyenAccount, asked: Call, told: Modification) -> Observation:
    """``received`` is all that is ever said: accepted, not done. The webhook says what became of it."""
    if told.merchant_account != account.merchant_account:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "merchant: the answer is another account's")
    if told.payment_psp_reference != asked.numbers.get(PSP):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another payment")
    if told.payment_reference != asked.body.get("paymentReference"):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another payment")
    if told.status != RECEIVED:
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"status {told.status}")
    return Observation(
        state=State.PENDING,
        source=Source.REPLY,
        partner_ref=told.reference,
        amount=money(told.amount),
        partner_id=told.psp_reference,
        message="received by Adyen; its webhook tells what becomes of it",
    )


def error_of(answer: Answer) -> tuple[ServiceError, Verdict]:
    """An error answer and what it means."""
    try:
        told = parsed(ServiceError, answer.node)
    except Unreadable:
        told = ServiceError()
    return told, verdict(answer.status, told.error_code, told.error_type, transient=answer.transient)


def refusal(asked: Call, answer: Answer) -> Observation:
    """What an error answer teaches. One whose code cannot be read may be any: also that it is under way."""
    try:
        parsed(ServiceError, answer.node)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: status {answer.status}, {error}")
    told, found = error_of(answer)
    if found.meaning is Meaning.UNKNOWN:
        detail = f"{asked.name}: status {answer.status}, error {told.error_code or 'without a code'}"
        cause = UnknownCause(UnknownKind.PARTNER_FAULT, detail)
        return Observation(state=State.DOUBT, source=Source.REPLY, unknown=cause, again=found.again)
    return Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=found.reason,
        partner_code=told.error_code or str(answer.status),
        message=told.message or "",
    )
