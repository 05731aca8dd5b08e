"""PayPal's decoders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from payport.adapters.paypal import PayPal
from payport.adapters.paypal.account import LIVE_CERTIFICATE_HOSTS
from payport.adapters.paypal.calls import Reply, instant, read_reply
from payport.adapters.paypal.certificates import MalformedCertificate, Signers, allowed_address, parse_chain
from payport.adapters.paypal.events import read_event
from payport.adapters.paypal.money import from_wire
from payport.adapters.paypal.reading.fields import Unreadable, parsed
from payport.adapters.paypal.reading.orders import order_observation
from payport.adapters.paypal.reading.payouts import batch_observation
from payport.adapters.paypal.reading.refunds import refund_observation
from payport.adapters.paypal.signing import MalformedTransmission, read_transmission
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.adapters.paypal.simulator.keys import chain
from payport.adapters.paypal.tokens import TokenCache, token_for
from payport.adapters.paypal.wire import PayPalOrder, PayPalPayoutBatch, PayPalRefund
from payport.sdk.exchange import Moment, drive
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source
from payport.sdk.strict_json import MalformedJson, parse_object
from proof.conversations import Listener
from proof.decoders.decoder import Read, Refused, as_text, decoder
from proof.mutating import Form

MERCHANT = "2SMWANTEDPAYP"
AMOUNT = {"currency_code": "USD", "value": "12.34"}
MOVEMENT = {"id": "C1", "status": "COMPLETED", "amount": AMOUNT, "invoice_id": "R1", "custom_id": "R1"}
UNIT = {"custom_id": "R1", "invoice_id": "R1", "amount": AMOUNT, "payments": {"captures": [MOVEMENT]}}
ORDER = {"id": "O1", "status": "COMPLETED", "intent": "CAPTURE", "purchase_units": [UNIT], "links": []}
ITEM = {"payout_item": {"amount": {"currency": "USD", "value": "1"}, "sender_item_id": "P1"}, "payout_item_id": "I1"}
BATCH = {"batch_header": {"payout_batch_id": "B1", "batch_status": "SUCCESS"}, "items": [ITEM]}
DISPUTE = {"dispute_id": "D1", "disputed_transactions": [{"invoice_number": "R1"}], "dispute_amount": AMOUNT}
ERROR = {
    "name": "UNPROCESSABLE_ENTITY", "message": "Refused.", "debug_id": "d1",
    "details": [{"issue": "INSTRUMENT_DECLINED", "description": "Declined."}],
}  # fmt: skip
RESOURCES: Mapping[str, object] = {
    "CHECKOUT.ORDER.APPROVED": ORDER,
    "PAYMENT.CAPTURE.COMPLETED": MOVEMENT,
    "PAYMENT.CAPTURE.REFUNDED": MOVEMENT,
    "PAYMENT.CAPTURE.REVERSED": MOVEMENT,
    "PAYMENT.REFUND.FAILED": MOVEMENT,
    "PAYMENT.AUTHORIZATION.CREATED": MOVEMENT,
    "PAYMENT.PAYOUTS-ITEM.SUCCEEDED": ITEM,
    "PAYMENT.PAYOUTSBATCH.SUCCESS": BATCH,
    "CUSTOMER.DISPUTE.CREATED": DISPUTE,
    "SOMETHING.NEW": {},
}
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOKEN = {"access_token": "A21AAL", "token_type": "Bearer", "expires_in": 32400, "scope": "a b"}
HEADERS = {
    "PAYPAL-TRANSMISSION-ID": "dfb3be50-fd74",
    "PAYPAL-TRANSMISSION-TIME": "2026-01-31T12:00:00Z",
    "PAYPAL-TRANSMISSION-SIG": "QUJD",
    "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "PAYPAL-AUTH-ALGO": "SHA256withRSA",
}
SIGNERS = Signers(chain().root)


def bytes_of(node: object) -> bytes:
    """As JSON."""
    return json.dumps(node).encode()


def event(kind: str) -> bytes:
    """A webhook's body."""
    content = {"id": "WH-1", "event_type": kind, "create_time": "2026-01-31T12:00:00Z", "resource": RESOURCES[kind]}
    return bytes_of(content)


def node(read: Callable[[Mapping[str, object]], object]) -> Read:
    """Through strict JSON, as it comes over the wire."""
    return lambda data: read(parse_object(data))


order = node(lambda found: order_observation(parsed(PayPalOrder, found), Source.QUERY, MERCHANT))
refund = node(lambda found: refund_observation(parsed(PayPalRefund, found), Source.QUERY))
batch = node(lambda found: batch_observation(parsed(PayPalPayoutBatch, found), Source.QUERY))


def refused(data: bytes) -> object:
    """Whatever an error says: PayPal's word with a verdict, or a doubt."""
    answer = read_reply(WireReply(422, (("retry-after", data[:20].decode("latin-1")),), data))
    if not isinstance(answer, Reply):
        raise Refused
    return answer.verdict, answer.code, answer.words


def teaching(data: bytes) -> object:
    """An authentic event of any content."""
    return read_event(parse_object(data), MERCHANT)


def headers(data: bytes) -> object:
    """What stands in the headers of an event, one a line."""
    lines = (line.partition(": ") for line in data.decode("latin-1").split("\n"))
    found = read_transmission({name: value for name, _, value in lines})
    assert found.message("WEBHOOK", b"").count(b"|") == 3, "one signed text must not stand for two events"
    return found


def address(data: bytes) -> object:
    """Where a certificate may be fetched from: nowhere but at PayPal."""
    found = allowed_address(data.decode("latin-1"), LIVE_CERTIFICATE_HOSTS)
    if found is None:
        raise Refused
    assert found.split("/")[2] in LIVE_CERTIFICATE_HOSTS, found
    return found


def certificate(data: bytes) -> object:
    """A chain of any bytes is judged."""
    found = parse_chain(data.decode("latin-1"))
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return SIGNERS.trusted(found, "messageverificationcerts.sandbox.paypal.com", when)


def amount(data: bytes) -> object:
    """An amount and a time."""
    text = data.decode("latin-1")
    return instant(text), from_wire(text, "USD"), from_wire(text, "JPY")


PAYPAL = PayPal(PayPalSimulator().account)


def token(data: bytes) -> object:
    """An access token, for an adapter that has none yet."""
    PAYPAL._tokens = TokenCache()  # noqa: SLF001  # as a new process has it
    found = drive(token_for(PAYPAL, 60.0), Listener(Moment(NOW, 0.0), iter([WireReply(200, (), data)])))
    if isinstance(found, Observation):
        raise Refused
    return found


BOTH = (MalformedJson, Unreadable)
HEADER_LINES = "\n".join(f"{name}: {value}" for name, value in HEADERS.items()).encode()
DECODERS = (
    decoder("paypal: token", token, bytes_of(TOKEN), declared=(Refused,), form=Form.JSON),
    decoder("paypal: order", order, bytes_of(ORDER), declared=BOTH, form=Form.JSON),
    decoder("paypal: refund", refund, bytes_of(MOVEMENT), declared=BOTH, form=Form.JSON),
    decoder("paypal: payout batch", batch, bytes_of(BATCH), declared=BOTH, form=Form.JSON),
    decoder("paypal: error", refused, bytes_of(ERROR), declared=(Refused,), form=Form.JSON),
    decoder("paypal: event", teaching, *(event(kind) for kind in RESOURCES), declared=BOTH, form=Form.JSON),
    decoder("paypal: headers", headers, HEADER_LINES, declared=(MalformedTransmission,)),
    decoder("paypal: certificate address", address, HEADERS["PAYPAL-CERT-URL"].encode(), declared=(Refused,)),
    decoder("paypal: certificate", certificate, chain().leaf.encode(), declared=(MalformedCertificate,)),
    decoder("paypal: amount", amount, b"12", b"1234567", declared=(ValueError,)),
    decoder("paypal: time", as_text(instant), b"2026-01-31T12:00:00.5+01:00"),
)
