"""HTTP/1.1 (RFC 9112) on one connection: a request as bytes, and a reply from bytes as they come in. No sockets here.

A reply of the usual shape (a status line, plain headers, exactly one ``Content-Length``) is read here, the whole head
by one regular expression. Any other (chunks, 1xx before it, HTTP/1.0, no length, HEAD, odd bytes) goes to h11 from its
first byte on: h11 knows every corner and takes ten times as long. What is read here, h11 would read the same way.
"""

from __future__ import annotations

import re

import h11

from payport.sdk.message import FailureKind, WireReply, WireRequest
from payport.sdk.transport.hosts import Target
from payport.sdk.transport.reply import Incoming, outgoing
from payport.sdk.transport.trip import READ_BYTES, SendError, Trip

# no blank before a colon, no folded line, no control character but a tab: h11 decides about those
_TEXT = rb"[\t -\x7e\x80-\xff]*+\r\n"
_USUAL = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: " + _TEXT + rb"|\r\n)((?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:" + _TEXT + rb")*+)\r\n"
)
_LENGTH = re.compile(r"[0-9]{1,15}")
_BODILESS = frozenset({204, 304})
_END_OF_HEAD = b"\r\n\r\n"


def request_bytes(target: Target, request: WireRequest) -> bytes:
    """The whole request, head and body in one piece: they leave in one packet and one TLS record.

    Raises :class:`SendError` for what would break out of its line.
    """
    lines = b"".join([b"%b: %b\r\n" % header for header in outgoing(request, target.address)])
    start = f"{request.method} {target.path} HTTP/1.1\r\n".encode("ascii")
    return b"%b%b\r\n%b" % (start, lines, request.content)


class Reading:
    """One reply while it comes in."""

    __slots__ = ("_body", "_head", "_request", "_trip")

    def __init__(self, request: WireRequest, trip: Trip) -> None:
        self._request = request
        self._trip = trip
        self._head = bytearray()
        self._body: _Sized | _Careful | None = None

    def take(self, data: bytes) -> bool:
        """Take what came in, ``b""`` for the end of the connection; true once the reply is whole.

        Raises :class:`SendError` when this is no reply, or not one that we take.
        """
        if self._body is not None:
            return self._body.take(data)
        seen = len(self._head)
        self._head += data
        end = self._head.find(_END_OF_HEAD, max(0, seen - len(_END_OF_HEAD) + 1))
        if end < 0 and data:
            return False
        head = bytes(self._head)
        self._body = self._usual(head, end + len(_END_OF_HEAD)) if end >= 0 else None
        if self._body is not None:
            return self._body.begin(head[end + len(_END_OF_HEAD) :])
        self._body = _Careful(self._request, self._trip)
        return self._body.take(head) or (not data and self._body.take(b""))

    def whole(self) -> tuple[WireReply, bool]:
        """The reply, and whether its connection can carry another request."""
        assert self._body is not None
        incoming = self._body.incoming
        assert incoming is not None
        return incoming.whole(), self._body.clean

    def _usual(self, head: bytes, end: int) -> _Sized | None:
        """How to read the body of a reply of the usual shape; ``None`` for any other."""
        match = _USUAL.fullmatch(head, 0, end)
        if match is None or self._request.method == "HEAD" or (status := int(match[1])) in _BODILESS:
            return None
        lines = [line.partition(b":") for line in match[2].split(b"\r\n")[:-1]]
        incoming = Incoming(self._request, status, [(name, value.strip(b" \t")) for name, _, value in lines])
        lengths = incoming.values("content-length")
        if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]) or incoming.values("transfer-encoding"):
            return None
        self._trip.body_begins(self._request.max_reply_bytes)
        closes = any("close" in value.lower() for value in incoming.values("connection"))
        return _Sized(incoming, int(lengths[0]), clean=not closes)


class _Sized:
    """A body of known length. ``clean``: not one byte came beyond it, and the partner keeps the connection."""

    __slots__ = ("_left", "clean", "incoming")

    def __init__(self, incoming: Incoming, length: int, *, clean: bool) -> None:
        self.incoming = incoming
        self.clean = clean
        self._left = length

    def begin(self, data: bytes) -> bool:
        """Take what came in together with the head, perhaps nothing; true once the body is whole."""
        return self.take(data) if data else self._left == 0

    def take(self, data: bytes) -> bool:
        """Take more; true once the body is whole."""
        if not data:
            raise SendError(FailureKind.UNREADABLE, "the connection ended inside the reply")
        if len(data) > self._left:
            # what a partner sends beyond its length would be read as the reply to the next request
            data, self.clean = data[: self._left], False
        self.incoming.add(data)
        self._left -= len(data)
        return self._left == 0


class _Careful:
    """Any reply, read by h11."""

    def __init__(self, request: WireRequest, trip: Trip) -> None:
        self.incoming: Incoming | None = None
        self._request = request
        self._trip = trip
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=trip.cap + READ_BYTES)
        # all that h11 has to know of the request: how a reply to it is framed
        self._parser.send(h11.Request(method=request.method, target="/", headers=[("host", "-")]))
        self._parser.send(h11.EndOfMessage())

    @property
    def clean(self) -> bool:
        """Whether both sides are done, with not one byte beyond the reply."""
        parser = self._parser
        return parser.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE} and parser.trailing_data == (b"", False)

    def take(self, data: bytes) -> bool:
        """Take what came in; true once the reply is whole."""
        try:
            self._parser.receive_data(data)
            while True:
                event = self._parser.next_event()
                match event:
                    case h11.Response():
                        self._trip.body_begins(self._request.max_reply_bytes)
                        self.incoming = Incoming(self._request, event.status_code, list(event.headers))
                    case h11.Data():
                        assert self.incoming is not None
                        self.incoming.add(bytes(event.data))
                        self.incoming.check()
                    case h11.EndOfMessage():
                        return True
                    case h11.InformationalResponse() if event.status_code != 101:
                        pass
                    case h11.NEED_DATA:
                        return False
                    case _:
                        raise SendError(FailureKind.UNREADABLE, "the partner left HTTP")
        except h11.RemoteProtocolError as error:
            raise SendError(FailureKind.UNREADABLE, f"h11.{type(error).__name__}") from error
