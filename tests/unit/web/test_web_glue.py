"""The doors for notifications: raw bytes in, the gateway's acknowledgement out, whatever the framework."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, Order, QrShown, RawNotification
from payport.sdk import AsyncGateway, ConfigurationError, Gateway, Journal
from payport.sdk.web import AsgiNotifications, WsgiNotifications
from payport.sdk.web.asgi import Application, Message
from payport.sdk.web.raw import notification

REF = "WEB10000001"
ORDER = Order(ref=REF, amount=Money.of("12.34", "CNY"), subject="Tea")


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    with AlipaySimulator() as made:
        yield made


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal.open("sqlite:///:memory:?durable=no") as opened:
        yield opened


@pytest.fixture
def shop(partner: AlipaySimulator, journal: Journal) -> Iterator[Gateway[Alipay]]:
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        yield gateway


@pytest.fixture
def notice(shop: Gateway[Alipay], partner: AlipaySimulator) -> RawNotification:
    """A genuine one: the order was paid."""
    shown = shop.pay(ORDER, QrShown())
    assert isinstance(shown, ActionRequired)
    partner.payer.open(shown.action)
    return partner.notices[-1]


def environ(raw: RawNotification, method: str = "POST", length: str | None = None) -> WSGIEnvironment:
    """A request as a WSGI server shows it."""
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in raw.headers.items()}
    size = str(len(raw.body)) if length is None else length
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/notify",
        "QUERY_STRING": raw.query,
        "CONTENT_TYPE": raw.headers.get("content-type", ""),
        "CONTENT_LENGTH": size,
        "wsgi.input": io.BytesIO(raw.body),
        **headers,
    }


class Answer:
    """What a WSGI application answers."""

    def __init__(self, application: WsgiNotifications, request: WSGIEnvironment) -> None:
        self.headers: dict[str, str] = {}
        self.status = ""
        self.body = b"".join(application(request, self._start))

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        return bytes


async def ask(
    door: Application,
    raw: RawNotification,
    *,
    path: str = "/notify",
    method: str = "POST",
    parts: int = 1,
    hangs_up: bool = False,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send a request in ``parts`` as an ASGI server does; answers status, headers and body."""
    size = max(1, -(-len(raw.body) // parts))
    chunks = [raw.body[at : at + size] for at in range(0, len(raw.body), size)] or [b""]
    waiting: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]
    if hangs_up:
        waiting[-1] = {"type": "http.disconnect"}
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": raw.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in raw.headers.items()],
    }
    await door(scope, receive, send)
    status, body = sent[0]["status"], sent[1]["body"]
    headers = sent[0]["headers"]
    assert isinstance(status, int)
    assert isinstance(body, bytes)
    assert isinstance(headers, list)
    return status, dict(headers), body


def test_wsgi_answers_what_the_partner_wants_to_hear(shop: Gateway[Alipay], notice: RawNotification) -> None:
    """And the order is paid in the journal."""
    answer = Answer(WsgiNotifications(shop), environ(notice))
    assert (answer.status, answer.body) == ("200 OK", b"success")
    assert shop.history(REF)[-1].state.value == "succeeded"


def test_wsgi_refuses_what_is_not_authentic(shop: Gateway[Alipay], notice: RawNotification) -> None:
    """One byte is enough."""
    tampered = RawNotification(body=notice.body.replace(b"12.34", b"12.35"), headers=notice.headers)
    assert Answer(WsgiNotifications(shop), environ(tampered)).body != b"success"
    assert shop.history(REF)[-1].state.value == "action"


@pytest.mark.parametrize(
    ("status", "method", "length"),
    [
        ("405 Method Not Allowed", "GET", None),
        ("413 Content Too Large", "POST", "1048577"),
        ("400 Bad Request", "POST", "999999"),
        ("411 Length Required", "POST", "many"),
        ("411 Length Required", "POST", ""),
    ],
)
def test_wsgi_takes_whole_posts_of_sane_length_only(
    shop: Gateway[Alipay], notice: RawNotification, status: str, method: str, length: str | None
) -> None:
    """Nothing else reaches the gateway."""
    answer = Answer(WsgiNotifications(shop), environ(notice, method, length))
    assert answer.status.split()[0] == status.split(maxsplit=1)[0]
    assert answer.headers.get("allow") == ("POST" if method == "GET" else None)
    assert shop.history(REF)[-1].state.value == "action"


def test_wsgi_reads_a_body_in_chunks_where_the_server_marks_its_end(
    shop: Gateway[Alipay], notice: RawNotification
) -> None:
    """Nobody says how long it is; it is capped all the same."""
    chunked = {**environ(notice, length=""), "wsgi.input_terminated": True}
    assert Answer(WsgiNotifications(shop), chunked).body == b"success"
    again = {**environ(notice, length=""), "wsgi.input_terminated": True}
    assert Answer(WsgiNotifications(shop, max_body_bytes=100), again).status.startswith("413")


def test_wsgi_stands_before_an_application_at_one_path(shop: Gateway[Alipay], notice: RawNotification) -> None:
    """Everything else goes through untouched."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [b"the shop"]

    both = WsgiNotifications(shop).before(application, "/notify")
    told: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None, /) -> Callable[[bytes], object]:
        told.append(status)
        return bytes

    assert b"".join(both(environ(notice), start)) == b"success"
    assert b"".join(both({**environ(notice), "PATH_INFO": "/notify/more"}, start)) == b"the shop"
    assert told == ["200 OK", "200 OK"]


@pytest.mark.anyio
@pytest.mark.parametrize("parts", [1, 3])
async def test_asgi_answers_what_the_partner_wants_to_hear(
    shop: Gateway[Alipay], partner: AlipaySimulator, journal: Journal, notice: RawNotification, parts: int
) -> None:
    """In however many parts the body comes."""
    async with AsyncGateway(
        Alipay(partner.account), journal=journal, transport=partner.async_transport(), sinks=()
    ) as gateway:
        status, headers, body = await ask(AsgiNotifications(gateway), notice, parts=parts)
        assert (status, body) == (200, b"success")
        assert headers[b"content-length"] == b"7"
    assert shop.history(REF)[-1].state.value == "succeeded"


@pytest.mark.anyio
async def test_asgi_takes_whole_posts_of_sane_length_only(
    partner: AlipaySimulator, journal: Journal, notice: RawNotification
) -> None:
    """Nothing else reaches the gateway, and nothing but HTTP is answered."""
    async with AsyncGateway(
        Alipay(partner.account), journal=journal, transport=partner.async_transport(), sinks=()
    ) as gateway:
        door = AsgiNotifications(gateway, max_body_bytes=100)
        assert (await ask(door, notice, method="GET"))[0] == 405
        assert (await ask(door, notice))[0] == 413
        small = RawNotification(body=b"half", headers={})
        assert (await ask(door, small, hangs_up=True))[0] == 400
        both = AsgiNotifications(gateway).before(door, "/notify")
        assert (await ask(both, notice))[0] == 200
        assert (await ask(both, notice, path="/notify/"))[0] == 413  # nothing but exactly this path
        with pytest.raises(ValueError, match="websocket"):
            await door({"type": "websocket"}, None, None)  # type: ignore[arg-type]  # neither is reached


def test_a_door_that_could_never_answer_is_not_built(shop: Gateway[Alipay], journal: Journal) -> None:
    """A gateway of the other colour, and a path that no request has."""
    awaited: Any = AsyncGateway(shop.adapter, journal=journal, sinks=())
    blocking: Any = shop
    with pytest.raises(ConfigurationError, match="this takes a Gateway, got AsyncGateway; for the other kind: Asgi"):
        WsgiNotifications(awaited)
    with pytest.raises(ConfigurationError, match="this takes an AsyncGateway, got Gateway; for the other kind: Wsgi"):
        AsgiNotifications(blocking)
    application: Any = None
    for door in (WsgiNotifications(shop), AsgiNotifications(awaited)):
        with pytest.raises(ConfigurationError, match="a path begins with a slash, got 'notify'"):
            door.before(application, "notify")


def test_a_header_that_stands_twice_keeps_both_values() -> None:
    """Whoever slips in a second signature makes it none."""
    raw = notification(b"", [("Signature", "theirs"), ("SIGNATURE", "mine")], "a=1")
    assert raw.headers == {"signature": "theirs, mine"}
    assert raw.query == "a=1"
