"""What goes out as headers, and what may come in as a reply: sizes, encodings, lengths."""

from __future__ import annotations

import re
from collections.abc import Sequence

from payport.sdk.message import FailureKind, WireReply, WireRequest
from payport.sdk.transport.hosts import Address
from payport.sdk.transport.trip import MAX_HEAD_BYTES, SendError

MAX_HEADERS = 200
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_TEXT = re.compile(r"[!-~](?:[\t -~]*[!-~])?|")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_DEFAULTS = {"accept": b"*/*", "user-agent": b"payport"}
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


def outgoing(request: WireRequest, address: Address) -> list[tuple[bytes, bytes]]:
    """The headers to send. Those that frame the message are set here; a caller's own are ignored.

    Raises :class:`SendError` when the method or a header holds what would break out of its line, or is not ASCII.
    """
    if _TOKEN.fullmatch(request.method) is None:
        raise SendError(FailureKind.REFUSED, "the request's method is no HTTP token")
    given: list[tuple[bytes, bytes]] = []
    names: set[str] = set()
    for name, value in request.headers.items():
        if _TOKEN.fullmatch(name) is None or _TEXT.fullmatch(value) is None:
            raise SendError(FailureKind.REFUSED, "a request header holds a character that headers cannot hold")
        names.add(name.lower())
        if name.lower() not in _OURS:
            given.append((name.encode("ascii"), value.encode("ascii")))
    # "identity": a signature covers the bytes as sent, and a compressed reply could be a bomb.
    headers = [(b"host", address.authority.encode("ascii")), (b"accept-encoding", b"identity")]
    headers += [(name.encode("ascii"), value) for name, value in _DEFAULTS.items() if name not in names]
    headers += given
    if request.content or request.method not in _BODILESS:
        headers.append((b"content-length", str(len(request.content)).encode("ascii")))
    return headers


class Incoming:
    """A reply while it comes in. Raises :class:`SendError` when it is not one that we take."""

    __slots__ = ("_chunks", "_headers", "_room", "_sized", "_status")

    def __init__(self, request: WireRequest, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        if len(headers) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEAD_BYTES:
            raise SendError(FailureKind.UNREADABLE, "the reply's headers are over the cap")
        self._status = status
        self._headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
        self._room = request.max_reply_bytes
        self._chunks: list[bytes] = []
        self._sized = False
        for name, value in self._headers:
            if name == "content-encoding" and value.strip().lower() not in ("", "identity"):
                raise SendError(FailureKind.UNREADABLE, "the reply is compressed, which was not asked for")
            if name == "content-length":
                self._sized = True
                if request.method != "HEAD" and value.isdecimal() and int(value) > self._room:
                    raise SendError(FailureKind.UNREADABLE, "the reply is over the cap")
            self._sized = self._sized or name == "transfer-encoding"

    def values(self, name: str) -> list[str]:
        """Every value of a header, in order; its name in lower case."""
        return [value for key, value in self._headers if key == name]

    def add(self, chunk: bytes) -> None:
        """Keep a piece of the body."""
        self._room -= len(chunk)
        self._chunks.append(chunk)

    def check(self) -> None:
        """Whether it is still within the cap."""
        if self._room < 0:
            raise SendError(FailureKind.UNREADABLE, "the reply is over the cap")

    def whole(self) -> WireReply:
        """The reply, complete."""
        self.check()
        if self._chunks and not self._sized:
            # Without a length a cut connection looks like the end: half a bill would read as a whole one.
            raise SendError(
                FailureKind.UNREADABLE, "the reply has no length: a whole one cannot be told from a cut one"
            )
        return WireReply(self._status, self._headers, b"".join(self._chunks))
