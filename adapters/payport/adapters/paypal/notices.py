"""Webhook events: authentic over the raw bytes, made for our webhook, then read. Any 2xx acknowledges.

Sources: developer.paypal.com, "Webhooks", "Verify webhooks yourself", "Webhook event names".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from payport.adapters.paypal import signing
from payport.adapters.paypal.calls import ask_paypal
from payport.adapters.paypal.certificates import MalformedCertificate, allowed_address, parse_chain
from payport.adapters.paypal.events import Teaching, read_event
from payport.adapters.paypal.planning import get_order
from payport.adapters.paypal.reading.fields import Unreadable, parsed
from payport.adapters.paypal.reading.orders import order_observation
from payport.adapters.paypal.signing import MalformedTransmission, Transmission
from payport.adapters.paypal.wire import PayPalOrder
from payport.schemas.events import Acknowledgement, RawNotification, Rejected, RejectedKind
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange, strict_json
from payport.sdk.adapter import Opened
from payport.sdk.calling import call
from payport.sdk.events import KeyLearned, SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.keyring import Fetch, Known, Missing, Wait
from payport.sdk.keys import PublicKey
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.paypal.adapter import PayPal

ACCEPTED = Acknowledgement(status=200, content_type="text/plain", body=b"")
REFUSED = Acknowledgement(status=400, content_type="text/plain", body=b"refused")
AGAIN = Acknowledgement(status=503, content_type="text/plain", body=b"try again")

CERTIFICATE = "notifications.certs"
OLDEST = timedelta(days=3, hours=1)
"""PayPal tries for three days. Whether a resend carries a new time is not documented, so all of them are waited for."""
NEWEST = timedelta(minutes=10)
"""How far PayPal's clock may be ahead of ours."""
FETCH_S = 10.0
_LOOK_AGAIN_S = 0.02
_LONGEST_BODY = 1024 * 1024
_LONGEST_CHAIN = 64 * 1024


def open_notice(paypal: PayPal, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """An event that PayPal signed for our webhook, or why it is refused."""
    webhook_id = paypal.config.webhook_id
    if webhook_id is None:
        return _rejected(RejectedKind.BAD_SIGNATURE, "webhook_id is not configured, and without it nothing is verified")
    if not signing.is_signed(raw.headers):
        return _rejected(RejectedKind.UNSIGNED, "the event carries no signature; hand over the request's headers")
    if len(raw.body) > _LONGEST_BODY:
        return _rejected(RejectedKind.MALFORMED, "the body is longer than any event")
    try:
        transmission = signing.read_transmission(raw.headers)
    except MalformedTransmission as error:
        return _rejected(RejectedKind.MALFORMED, str(error))
    refused = yield from _authentic(paypal, transmission, webhook_id, raw.body)
    if refused is not None:
        return refused
    try:
        event = strict_json.parse_object(raw.body)
    except strict_json.MalformedJson as error:
        return _rejected(RejectedKind.MALFORMED, f"authentic, but {error}")
    return (yield from _opened(paypal, event))


def _authentic(paypal: PayPal, transmission: Transmission, webhook_id: str, body: bytes) -> Exchange[Rejected | None]:
    """Why the event is not believed; ``None`` when it is."""
    if transmission.algorithm not in signing.ALGORITHMS:
        return _rejected(RejectedKind.BAD_SIGNATURE, "the event names an algorithm that PayPal does not sign with")
    address = allowed_address(transmission.address, paypal.config.certificate_hosts)
    if address is None:
        return _rejected(RejectedKind.BAD_SIGNATURE, "the certificate's address is not one of PayPal's")
    now = yield from exchange.now()
    if not now.utc - OLDEST <= transmission.time <= now.utc + NEWEST:
        return _rejected(RejectedKind.STALE, f"it was sent at {transmission.time.isoformat()}; now is {now.utc}")
    key = yield from _key_of(paypal, address, now.monotonic_s + FETCH_S)
    if key is None:
        detail = "the certificate could not be fetched, or is not PayPal's"
        return Rejected(kind=RejectedKind.BAD_SIGNATURE, detail=detail, acknowledgement=AGAIN)
    if key.verify(transmission.message(webhook_id, body), transmission.signature):
        return None
    yield from exchange.emit(SignatureFailed(partner=paypal.partner, account=paypal.account, endpoint="notice"))
    return _rejected(
        RejectedKind.BAD_SIGNATURE,
        "the signature does not fit; hand over the raw body, and compare webhook_id with the developer dashboard",
    )


def _rejected(kind: RejectedKind, detail: str) -> Rejected:
    return Rejected(kind=kind, detail=detail, acknowledgement=REFUSED)


def _key_of(paypal: PayPal, address: str, deadline_s: float) -> Exchange[PublicKey | None]:
    """The key of a certificate: known, fetched by us, or by somebody else meanwhile."""
    while True:
        now = yield from exchange.now()
        match paypal.signers.ring.find(address, now.utc.timestamp()):
            case Known(key):
                return key
            case Missing():
                return None
            case Wait() if now.monotonic_s < deadline_s:
                yield from exchange.sleep(_LOOK_AGAIN_S)
            case Wait():
                return None
            case Fetch():
                yield from _fetch(paypal, address, deadline_s)


def _fetch(paypal: PayPal, address: str, deadline_s: float) -> Exchange[None]:
    """Fetch one certificate and learn its key when it is PayPal's; report either way."""
    request = WireRequest(
        endpoint=CERTIFICATE,
        moves_money=False,
        method="GET",
        url=address,
        headers={"accept": "*/*"},
        content=b"",
        max_reply_bytes=_LONGEST_CHAIN,
    )
    with paypal.signers.ring.fetching(address):
        reply = yield from call(paypal, request, deadline_s)
        now = (yield from exchange.now()).utc
    signer = None
    if isinstance(reply, WireReply) and reply.status == 200:
        try:
            chain = parse_chain(reply.content.decode("ascii", "replace"))
            signer = paypal.signers.trusted(chain, paypal.config.signer, now)
        except MalformedCertificate:
            signer = None
    if signer is None:
        paypal.signers.ring.failed(address, now.timestamp())
        return
    paypal.signers.ring.learn(address, signer.key, expires_at_s=signer.not_after.timestamp())
    serial = address.rpartition("/")[2]
    yield from exchange.emit(KeyLearned(partner=paypal.partner, account=paypal.account, serial=serial))


def _opened(paypal: PayPal, event: Mapping[str, object]) -> Exchange[Opened | Rejected]:
    try:
        teaching = read_event(event, paypal.config.merchant_id)
    except Unreadable as error:
        return _rejected(RejectedKind.MALFORMED, f"authentic, but not an event: {error}")
    if teaching.foreign:
        return _rejected(RejectedKind.WRONG_ACCOUNT, "it is about money of another merchant")
    lessons = teaching.lessons
    if teaching.ask_order is not None:
        lessons = yield from _asked(paypal, teaching, teaching.ask_order)
    return Opened(event=teaching.event, lessons=lessons, acknowledgement=ACCEPTED)


def _asked(paypal: PayPal, teaching: Teaching, order_id: str) -> Exchange[tuple[tuple[str, Observation], ...]]:
    """What the order shows by now. A declined capture is not the end of an order that the payer may still pay."""
    reference = teaching.event.partner_ref
    if reference is None:
        return ()
    now = yield from exchange.now()
    answer = yield from ask_paypal(paypal, get_order(order_id), now.monotonic_s + FETCH_S)
    if isinstance(answer, Observation) or not answer.ok:
        unknown = doubt(Source.NOTICE, UnknownKind.UNKNOWN_STATUS, "a capture was declined; the order is to be asked")
        return ((reference, unknown),)
    try:
        told = order_observation(parsed(PayPalOrder, answer.node), Source.NOTICE, paypal.config.merchant_id)
    except Unreadable as error:
        told = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"order: {error}")
    return ((reference, told),)
