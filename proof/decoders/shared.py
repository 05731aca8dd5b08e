"""Decoders that belong to no partner: JSON, XML, HTTP, keys, money, identifiers, the journal's rows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from tests.support.journal_records import NOW, debt, notice, operation
from tests.support.rsa_keys import certificate, private_pem, raw_key

from payport.schemas import AppParameters, Money, PostForm, QrCode, Redirect
from payport.schemas.encoding import EncodingError, from_json, to_json
from payport.schemas.identifiers import Bic, CardNumber, Cnaps, Iban, Lei, ResidentId, Uscc
from payport.schemas.references import check_reference
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import rows
from payport.sdk.journal.recent import Recent
from payport.sdk.journal.records import Debt, Notice, Operation
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.keys import PrivateKey, PublicKey
from payport.sdk.message import WireRequest
from payport.sdk.secrets import Secret
from payport.sdk.strict_json import MalformedJson, parse
from payport.sdk.strict_xml import MalformedXml, parse_flat
from payport.sdk.transport.hosts import Hosts
from payport.sdk.transport.http1 import Reading
from payport.sdk.transport.trip import SendError, Trip
from payport.sdk.web.raw import notification
from proof.decoders.decoder import Decoder, Read, Refused, Sample, as_text, decoder
from proof.mutating import Form

JSON = b'{"code":"10000","list":[{"a":1.5,"b":null,"c":true}],"text":"\\u8336 \\" {","n":-12}'
XML = b"<xml>\n<return_code><![CDATA[SUCCESS]]></return_code>\n<total_fee>1234</total_fee>\n<a>&lt;b&gt;</a>\n</xml>"
REQUEST = WireRequest(
    endpoint="trade.pay", moves_money=True, method="POST", url="https://a.example/", headers={}, content=b"x"
)
HOSTS = Hosts(frozenset({"gateway.example.com", "api.example.com:8443"}))
REPLIES = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\nConnection: keep-alive\r\n\r\n{"a": 1}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Sign: a\r\n\r\n4\r\npaid\r\n3;x=y\r\nyes\r\n0\r\nT: 1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npaid",
)
KEYS = SealingKeys([Secret(b64encode(bytes(range(32))).decode())])
ACTIONS = (
    Redirect(url="https://pay.example/1"),
    PostForm(url="https://pay.example/2", fields={"a": "b", "sign": "c=="}),
    QrCode(text="weixin://wxpay/bizpayurl?pr=1"),
    AppParameters(payload="a=b", fields={"a": "b"}),
)


def http_reply(data: bytes) -> object:
    """A reply that comes in three pieces, cut where its own length says."""
    reading, cut = Reading(REQUEST, Trip(deadline_s=0.0)), len(data) // 3
    for piece in (data[:cut], data[cut : 2 * cut], data[2 * cut :]):
        if piece and reading.take(piece):
            return reading.whole()
    if reading.take(b""):
        return reading.whole()
    raise Refused


def money(data: bytes) -> object:
    """An amount: ``AMOUNT CURRENCY``."""
    amount, _, currency = data.decode("latin-1").partition(" ")
    return Money.of(amount, currency)


IDENTIFIERS: dict[bytes, Callable[[str], object]] = {
    b"4929 1738 2046 5511": CardNumber.parse,
    b"DE89 3704 0044 0532 0130 00": Iban.parse,
    b"DEUTDEFF500": Bic.parse,
    b"5493001KJTIIGC8Y1R12": Lei.parse,
    b"91350100M000100Y43": Uscc.parse,
    b"11010519491231002X": ResidentId.parse,
    b"102100099996": Cnaps.parse,
    b"SHOP10010001-a_b": check_reference,
}


def action(data: bytes) -> object:
    """An action as it is stored and sent on."""
    return from_json(data.decode("latin-1"), Redirect | PostForm | QrCode | AppParameters)


def operation_row(data: bytes) -> object:
    """The body of an operation's row, beside its columns and what is sealed there."""
    one = operation()
    whole = rows.operation_row(one, rows.seal_secrets(one, KEYS))
    columns = [whole[name] for name in ("id", "ref", "verb", "account", "partner_ref", "version", "state")]
    return rows.read_operation((*columns, one.state.value, data.decode("latin-1"), whole["sealed"]), KEYS, Recent())


def sealed(data: bytes) -> object:
    """What is sealed beside an operation's body."""
    one = operation()
    whole = rows.operation_row(one, data)
    columns = [whole[name] for name in ("id", "ref", "verb", "account", "partner_ref", "version", "state")]
    return rows.read_operation((*columns, one.state.value, whole["body"], data), KEYS, Recent())


def transition_row(data: bytes) -> object:
    """The body of a transition's row."""
    return rows.read_transition((1, "a/pay//1", "a", "pay", 1, "doubt", rows.micros(NOW), data.decode("latin-1")))


def notice_row(data: bytes) -> object:
    """The body of a notice's row."""
    one = notice()
    return rows.read_notice((1, one.partner, one.account, one.event.id, 0, data.decode("latin-1"), None), KEYS)


def body_of(kind: type[Debt | Operation | Notice]) -> Read:
    """A record, without its columns."""
    return lambda data: rows.decode(data.decode("latin-1"), kind, "row 1")


def address(data: bytes) -> object:
    """Where a request may go: to a listed host, whatever the URL says."""
    found = HOSTS.admit(data.decode("latin-1"))
    assert found.address.authority in ("gateway.example.com", "api.example.com:8443"), found
    return found


def door(data: bytes) -> object:
    """A notification as a web framework hands it over."""
    lines = [line.partition(": ") for line in data.decode("latin-1").split("\n")]
    return notification(data, [(name, value) for name, _, value in lines], "a=b")


PLAIN_KEY, PUBLIC_KEY = private_pem("ours").encode(), PublicKey(raw_key("ours").public_key()).pem().encode()
LEAF = certificate("Leaf", "Root", signed_by="root", of="ours").encode()
ROW = (JournalError,)
BODIES: list[tuple[type[Debt | Operation | Notice], Debt | Operation | Notice]] = [
    (Debt, debt()),
    (Operation, operation()),
    (Notice, notice()),
]
DECODERS = (
    decoder("JSON", parse, JSON, declared=(MalformedJson,), form=Form.JSON),
    decoder("XML", lambda data: parse_flat(data, root="xml"), XML, declared=(MalformedXml,), form=Form.XML),
    decoder("HTTP/1.1 reply", http_reply, *REPLIES, declared=(SendError, Refused), form=Form.HTTP),
    decoder(
        "address", address, b"https://api.example.com:8443/v3/pay?a=b", declared=(SendError,), words=(b"@", b"http://")
    ),
    decoder(
        "notification",
        door,
        b"content-type: text/plain\nwechatpay-signature: abc\nWechatpay-Signature: def",
        form=Form.HTTP,
    ),
    decoder(
        "private key",
        as_text(lambda text: PrivateKey.load(text, trusted=True)),
        PLAIN_KEY,
        declared=(ConfigurationError,),
    ),
    decoder("public key", as_text(PublicKey.load), PUBLIC_KEY, LEAF, declared=(ConfigurationError,)),
    decoder("money", money, b"12.34 CNY", b"1234 JPY", b"1.234 KWD", declared=(ValueError,)),
    Decoder(
        name="identifiers",
        samples=[Sample(data, as_text(read)) for data, read in IDENTIFIERS.items()],
        declared=(ValueError,),
    ),
    decoder("action", action, *(to_json(each).encode() for each in ACTIONS), declared=(EncodingError,), form=Form.JSON),
    Decoder(
        name="records",
        samples=[Sample(rows.encode(one).encode(), body_of(kind)) for kind, one in BODIES],
        declared=ROW,
        form=Form.JSON,
    ),
    decoder(
        "operation's row", operation_row, rows.encode(operation(), sealed=True).encode(), declared=ROW, form=Form.JSON
    ),
    decoder("what is sealed", sealed, rows.seal_secrets(operation(), KEYS) or b"", declared=ROW),
    decoder(
        "transition's row",
        transition_row,
        rows.encode_lesson("reply", {"a": "b"}).encode(),
        declared=ROW,
        form=Form.JSON,
    ),
    decoder("notice's row", notice_row, rows.encode(notice()).encode(), declared=ROW, form=Form.JSON),
)
