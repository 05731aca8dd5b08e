"""What goes out as headers, and what may come in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payport.sdk.message import FailureKind, WireRequest
from payport.sdk.transport.hosts import Address
from payport.sdk.transport.reply import Incoming, outgoing
from payport.sdk.transport.trip import MAX_HEAD_BYTES, SendError, Trip

ADDRESS = Address("api.example.com", 443, tls=True)
REQUEST = WireRequest(
    endpoint="pay", moves_money=True, method="POST", url="https://api.example.com/", headers={}, content=b"body"
)


def test_framing_headers_are_ours() -> None:
    """A caller cannot frame the message otherwise or ask for compression; the rest goes out as given."""
    headers = {"Host": "evil", "Content-Length": "9", "ACCEPT-ENCODING": "gzip", "Connection": "x", "X-Own": "1"}
    sent = dict(outgoing(replace(REQUEST, headers=headers), ADDRESS))
    assert sent == {
        b"host": b"api.example.com",
        b"accept-encoding": b"identity",
        b"accept": b"*/*",
        b"user-agent": b"payport",
        b"X-Own": b"1",
        b"content-length": b"4",
    }


def test_defaults_give_way() -> None:
    """A caller's own Accept and User-Agent count."""
    sent = outgoing(replace(REQUEST, headers={"Accept": "application/json", "user-agent": "mine"}), ADDRESS)
    assert sent[2:4] == [(b"Accept", b"application/json"), (b"user-agent", b"mine")]


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("GET", b"", None), ("GET", b"x", b"1"), ("POST", b"", b"0"), ("DELETE", b"", None)],
)
def test_a_length_is_sent_where_a_body_is_expected(method: str, content: bytes, length: bytes | None) -> None:
    """RFC 9110 section 8.6: zero for an empty POST, nothing for a GET."""
    sent = dict(outgoing(replace(REQUEST, method=method, content=content), ADDRESS))
    assert length == sent.get(b"content-length")


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        ("POST", "X", "a\r\nY: b"),
        ("POST", "X", "a\nb"),
        ("POST", "X", "a\0"),
        ("POST", "X", " a"),
        ("POST", "X", "茶"),
        ("POST", "X:", "a"),
        ("POST", "", "a"),
        ("POST ", "X", "a"),
        ("PO\r\nST", "X", "a"),
    ],
)
def test_what_would_break_out_of_its_line_is_refused(method: str, name: str, value: str) -> None:
    """Header injection stops before anything is sent."""
    with pytest.raises(SendError) as caught:
        outgoing(replace(REQUEST, method=method, headers={name: value}), ADDRESS)
    assert FailureKind.REFUSED is caught.value.kind


UNREADABLE: list[tuple[str, list[tuple[bytes, bytes]]]] = [
    ("too many headers", [(b"x", b"y")] * 201),
    ("too large", [(b"x", b"y" * MAX_HEAD_BYTES)]),
    ("gzip", [(b"Content-Encoding", b"gzip")]),
    ("two encodings", [(b"content-encoding", b"identity"), (b"content-encoding", b"br")]),
    ("too long", [(b"content-length", b"1048577")]),
]


@pytest.mark.parametrize(("name", "headers"), UNREADABLE, ids=[case[0] for case in UNREADABLE])
def test_a_head_that_is_not_taken(name: str, headers: list[tuple[bytes, bytes]]) -> None:
    """Over the cap, or encoded without being asked: found before the body is read."""
    with pytest.raises(SendError) as caught:
        Incoming(REQUEST, 200, headers)
    assert FailureKind.UNREADABLE is caught.value.kind


def test_a_whole_reply() -> None:
    """Names in lower case, values and repetitions as they came, pieces joined."""
    incoming = Incoming(REQUEST, 200, [(b"Set-Cookie", b"a"), (b"SET-COOKIE", b"b\xe9"), (b"Content-Length", b"4")])
    for piece in (b"pa", b"", b"id"):
        incoming.add(piece)
    reply = incoming.whole()
    assert (reply.status, reply.content) == (200, b"paid")
    assert reply.headers == (("set-cookie", "a"), ("set-cookie", "b\xe9"), ("content-length", "4"))


def test_the_answer_to_head_may_announce_a_long_body() -> None:
    """HEAD says how long a GET's reply would be; nothing comes."""
    incoming = Incoming(replace(REQUEST, method="HEAD"), 200, [(b"content-length", b"99999999")])
    assert incoming.whole().content == b""


@pytest.mark.parametrize(
    ("headers", "body"),
    [([(b"transfer-encoding", b"chunked")], b"x" * (1024 * 1024 + 1)), ([], b"paid")],
    ids=["over the cap", "no length"],
)
def test_a_body_that_is_not_taken(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """A body over the cap, and one whose end cannot be told from a cut."""
    incoming = Incoming(REQUEST, 200, headers)
    incoming.add(body)
    with pytest.raises(SendError) as caught:
        incoming.whole()
    assert FailureKind.UNREADABLE is caught.value.kind


def test_an_empty_reply_needs_no_length() -> None:
    """204 and friends."""
    assert Incoming(REQUEST, 204, []).whole().content == b""


def test_time_that_is_up_blames_the_stage() -> None:
    """The same deadline means something else before and after the first byte."""
    trip = Trip(deadline_s=0.0)
    assert FailureKind.DEADLINE is trip.expired().kind
    trip.depart()
    assert (trip.expired().kind, trip.left) == (FailureKind.TIMED_OUT, True)
    with pytest.raises(SendError, match="may have left"):
        trip.remaining_s()
