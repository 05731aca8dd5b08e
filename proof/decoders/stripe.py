"""Stripe's decoders."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.stripe.records import (
    ACCOUNT,
    CHARGE,
    INTENT,
    PAYOUT,
    REFUND,
    SESSION,
    STAMP,
    WEBHOOK_SECRET,
    Host,
)

from payport.adapters.stripe import Stripe
from payport.adapters.stripe.calls import Call, read_reply
from payport.adapters.stripe.reading.fields import Unreadable, parsed
from payport.adapters.stripe.reading.intents import read_intent
from payport.adapters.stripe.reading.refunds import read_payout, read_refund
from payport.adapters.stripe.reading.refusals import refusal
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.signing import MalformedHeader, parse_header, sign
from payport.adapters.stripe.simulator.calls import Refusal, decode_form
from payport.adapters.stripe.wire import StripeIntent, StripePayout, StripeRefund, StripeSession
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source
from payport.sdk.strict_json import MalformedJson, parse_object
from proof.decoders.decoder import Refused, as_text, decoder
from proof.mutating import Form

PAID = {**INTENT, "status": "succeeded", "amount_received": 1234, "latest_charge": CHARGE}
DECLINED = {
    "error": {"type": "card_error", "code": "card_declined", "payment_intent": {**INTENT, "status": "canceled"}}
}
EVENT = {
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": STAMP, "livemode": False,
    "data": {"object": PAID},
}  # fmt: skip


def bytes_of(node: Any) -> bytes:
    """As JSON."""
    return json.dumps(node).encode()


def intent(body: bytes) -> object:
    """A payment intent."""
    return read_intent(parsed(StripeIntent, parse_object(body)), Source.QUERY, way="direct")


def session(body: bytes) -> object:
    """A checkout session."""
    return read_session(parsed(StripeSession, parse_object(body)), Source.QUERY)


def refund(body: bytes) -> object:
    """A refund."""
    return read_refund(parsed(StripeRefund, parse_object(body)), Source.QUERY, intent="pi_1")


def payout(body: bytes) -> object:
    """A payout."""
    return read_payout(parsed(StripePayout, parse_object(body)), Source.QUERY)


def refused(body: bytes) -> Observation:
    """Whatever a refusal says, it is an observation."""
    answer = read_reply(Call(name="payment_intents.confirm"), WireReply(402, (), body))
    told = answer if isinstance(answer, Observation) else refusal(Call(name="payment_intents.confirm"), answer)
    if told.unknown is not None:
        raise Refused
    return told


def notice(body: bytes) -> object:
    """An authentic event with any content is opened, or refused as malformed."""
    header = f"t={STAMP},v1={sign(str(STAMP), body, WEBHOOK_SECRET)}"
    found = Host().run(Stripe(ACCOUNT).open_notice(RawNotification(body=body, headers={"Stripe-Signature": header})))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected):
        raise Refused(found.detail)
    return found


BOTH = (MalformedJson, Unreadable)
HEADER = f"t=1700000000,v1={'a' * 64},v0=b".encode()
DECODERS = (
    decoder("stripe: intent", intent, bytes_of(PAID), declared=BOTH, form=Form.JSON),
    decoder("stripe: session", session, bytes_of({**SESSION, "payment_intent": PAID}), declared=BOTH, form=Form.JSON),
    decoder("stripe: refund", refund, bytes_of(REFUND), declared=BOTH, form=Form.JSON),
    decoder("stripe: payout", payout, bytes_of(PAYOUT), declared=BOTH, form=Form.JSON),
    decoder("stripe: refusal", refused, bytes_of(DECLINED), declared=(Refused,), form=Form.JSON),
    decoder("stripe: webhook", notice, bytes_of(EVENT), declared=(Refused,), form=Form.JSON),
    decoder("stripe: signature header", as_text(parse_header), HEADER, declared=(MalformedHeader,)),
    decoder(
        "stripe: the simulator's form",
        as_text(decode_form),
        b"a[b][0]=c&d=1&metadata[x y]=%E6%94%AF",
        declared=(Refusal,),
        form=Form.FORM,
    ),
)
