"""Questions of API v2 for ``gateway.native``: typed, through the same signing, limits and deadline; they move no money.

Requests and replies are in WeChat's spelling. Source: pay.weixin.qq.com, API v2, request parameters of each endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import Field

from payport.adapters.wechatpay_v2 import calls
from payport.adapters.wechatpay_v2.adapter import WeChatPayV2
from payport.adapters.wechatpay_v2.envelope import ask_wechat, refusal
from payport.adapters.wechatpay_v2.reading import Unreadable, parsed
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Trade, Wire
from payport.schemas.classes import SECRET
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_xml import is_unsayable


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The base of all requests: texts in WeChat's spelling, empty ones left out."""

    def content(self) -> dict[str, str]:
        """The fields that are sent."""
        named = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery(Question):
    """``pay/orderquery``: by either number."""

    out_trade_no: str = ""
    transaction_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundQuery(Question):
    """``pay/refundquery``: by one of the numbers. ``offset``: where to begin in an order with more than ten refunds."""

    out_refund_no: str = ""
    refund_id: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    offset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCodeToOpenId(Question):
    """``tools/authcodetoopenid``: who shows a payment code. The code can still be charged afterwards."""

    auth_code: str = field(repr=False, metadata=SECRET)


class WeChatPayV2Refunds(Wire):
    """``pay/refundquery`` as it stands: what is told of each refund has names that end in ``_0``, ``_1`` and so on."""

    out_trade_no: str
    transaction_id: str
    total_fee: str
    refund_count: str
    total_refund_count: str | None = None


class WeChatPayV2Payer(Wire):
    """``tools/authcodetoopenid``."""

    openid: str = Field(repr=False)
    sub_openid: str | None = Field(default=None, repr=False)


RequestT_contra = TypeVar("RequestT_contra", bound=Question, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)

_ECHOED = ("out_trade_no", "transaction_id")
"""Numbers that a reply repeats from its request: another one there is an answer to another question."""


@dataclass(frozen=True, slots=True)
class WeChatPayV2Endpoint(Generic[RequestT_contra, ReplyT_co]):
    """One question of API v2. ``name``: its path. ``reply``: what a successful answer is read as."""

    name: str
    reply: type[ReplyT_co]

    @property
    def partner(self) -> str:
        """``"wechatpay_v2"``."""
        return "wechatpay_v2"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Sign, send, authenticate, decode, compare with what was asked."""
        if not isinstance(adapter, WeChatPayV2):
            raise ConfigurationError(
                f"{self.name} goes through the wechatpay_v2 adapter, not through {type(adapter).__name__}"
            )
        asked = request.content()
        if any(is_unsayable(value) for value in asked.values()):
            cause = NotSentCause(NotSentKind.INVALID, "a field holds a character that XML cannot carry")
            return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
        answer = yield from ask_wechat(adapter, calls.Call(path=self.name, fields=asked), deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return refusal(answer)
        try:
            reply = parsed(self.reply, answer.fields)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")
        for name in _ECHOED:
            if name in asked and answer.fields.get(name) not in (None, "", asked[name]):
                return doubt(Source.REPLY, UnknownKind.MISMATCH, f"{name} is not the one that was asked about")
        return Answer(reply)


ORDER_QUERY: WeChatPayV2Endpoint[OrderQuery, WeChatPayV2Trade] = WeChatPayV2Endpoint(
    calls.ORDER_QUERY, WeChatPayV2Trade
)
REFUND_QUERY: WeChatPayV2Endpoint[RefundQuery, WeChatPayV2Refunds] = WeChatPayV2Endpoint(
    calls.REFUND_QUERY, WeChatPayV2Refunds
)
AUTH_CODE_TO_OPENID: WeChatPayV2Endpoint[AuthCodeToOpenId, WeChatPayV2Payer] = WeChatPayV2Endpoint(
    "tools/authcodetoopenid", WeChatPayV2Payer
)
