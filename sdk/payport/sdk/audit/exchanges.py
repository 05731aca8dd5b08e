"""Raw exchanges: what went over the wire, kept sealed under a key of its own. Off unless a key for it is given.

What lets its holder act is left out even then: of headers only those are kept that say how a message was made and
signed, and of requests for tokens and keys (the *errands* of a profile) neither body. What remains may tell of persons,
so it is sealed, and goes when they are erased. The trail covers the digest of what is sealed.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from payport.sdk.audit.canonical import Canonical, canonical_text, well_formed
from payport.sdk.errors import JournalError
from payport.sdk.events import StorageFailed
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.secrets import MASK

if TYPE_CHECKING:
    from payport.sdk.journal.session import Session

T = TypeVar("T")

KEPT_HEADERS: Final = frozenset(
    {
        "accept", "alipay-timestamp", "alipay-trace-id", "content-encoding", "content-language", "content-length",
        "content-type", "date", "idempotency-key", "original-request", "paypal-debug-id", "paypal-request-id",
        "request-id", "retry-after", "server", "stripe-version", "user-agent", "wechatpay-nonce", "wechatpay-serial",
        "wechatpay-signature", "wechatpay-signature-type", "wechatpay-timestamp",
    }
)  # fmt: skip
"""Headers whose values are kept. Of all others the name is: a partner may send a token in any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawExchange:
    """One request and what came of it. ``secret``: it fetched a token or a key, so that its bodies are left out."""

    at: datetime
    partner: str
    account: str
    request: WireRequest
    reply: WireReply | SendFailure
    secret: bool = False

    @property
    def result(self) -> str:
        """How it ended, in one word: the status of the reply, or what failed."""
        return str(self.reply.status) if isinstance(self.reply, WireReply) else self.reply.kind.value

    def content(self) -> bytes:
        """What is sealed: canonical JSON, bodies as base64."""
        return canonical_text({"reply": self._reply(), "request": self._request(), "v": 1}).encode()

    def _request(self) -> Canonical:
        request = self.request
        url = request.url.partition("?")[0] if self.secret else request.url
        return {
            "body": self._body(request.content),
            "headers": [list(each) for each in _shown(request.headers.items())],
            "method": request.method,
            "url": well_formed(url),
        }

    def _reply(self) -> Canonical:
        reply = self.reply
        if isinstance(reply, SendFailure):
            return {
                "failure": reply.kind.value,
                "may_have_left": reply.may_have_left,
                "what": well_formed(reply.detail),
            }
        return {
            "body": self._body(reply.content),
            "headers": [list(each) for each in _shown(reply.headers)],
            "status": reply.status,
        }

    def _body(self, content: bytes) -> str:
        return MASK if self.secret and content else b64encode(content).decode()


def _shown(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        yield well_formed(name), well_formed(value) if name.lower() in KEPT_HEADERS else MASK


@dataclass(slots=True, kw_only=True)
class Evidence:
    """The exchanges of one call that are still to be kept. ``errands``: the endpoints that hand out tokens and keys.

    They go along with the next thing that the call writes, and so are kept where, and only where, that is.
    """

    partner: str
    account: str
    errands: frozenset[str]
    pending: list[RawExchange] = field(default_factory=list[RawExchange])

    def add(self, request: WireRequest, reply: WireReply | SendFailure, at: datetime) -> None:
        """Take one in."""
        secret = request.endpoint in self.errands
        self.pending.append(
            RawExchange(at=at, partner=self.partner, account=self.account, request=request, reply=reply, secret=secret)
        )

    def along(self, work: Callable[[Session], T]) -> Callable[[Session], T]:
        """``work``, and in its transaction what is pending. Call :meth:`kept` when it is durable."""

        def both(session: Session) -> T:
            answer = work(session)
            for each in self.pending:
                session.keep_exchange(each)
            return answer

        return both

    def lost(self, error: JournalError) -> StorageFailed:
        """What to tell when the last of them could not be kept."""
        return StorageFailed(
            partner=self.partner, account=self.account, work="keep exchanges", error=type(error).__name__
        )

    def kept(self) -> None:
        """What was pending is durable."""
        self.pending.clear()
