"""One endpoint of API v3, typed: the request and reply it speaks, and the one way to call any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from pydantic import BaseModel

from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.calls import Call
from payport.adapters.wechatpay.endpoints.fields import Request
from payport.adapters.wechatpay.envelope import ask_wechat, refusal
from payport.adapters.wechatpay.mapping import Meaning
from payport.adapters.wechatpay.planning import named
from payport.adapters.wechatpay.reading.fields import Unreadable, parsed, whose
from payport.adapters.wechatpay.wire import WeChatPayTransaction, Wire
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation, Source, doubt

RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)

ECHOED = (
    "out_trade_no",
    "transaction_id",
    "combine_out_trade_no",
    "out_refund_no",
    "refund_id",
    "out_bill_no",
    "transfer_bill_no",
    "out_batch_no",
    "batch_id",
    "out_detail_no",
    "detail_id",
    "out_order_no",
    "out_return_no",
    "echo_message",
)
"""What a reply repeats from its request: another one there is an answer to another question."""
ECHOED_AMOUNTS = ("total", "refund", "transfer_amount", "amount")
_PLACES = re.compile(r"\{(\w+)\}")


class Nothing(Wire):
    """An answer without content: carried out."""


@dataclass(frozen=True, slots=True)
class WeChatPayEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One endpoint for ``gateway.native``.

    ``name``: method and path, as a merchant calls it; a service provider's account calls its own form. ``reply``: what
    a successful answer is read as. ``moves_money``: whether it may charge, refund, share or send money. ``Succeeded``
    says that the call was carried out; what became of the money stands in the reply's own fields (``status``,
    ``trade_state``, ``state``).
    """

    name: str
    reply: type[ReplyT_co]
    moves_money: bool = True

    @property
    def partner(self) -> str:
        """``"wechatpay"``."""
        return "wechatpay"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Encrypt, sign, send, authenticate, decode, compare with what was asked.

        An answer of HTTP 202 (accepted, not carried out) is no success: it comes back as a doubt, to be asked about.
        """
        wechat = wechat_pay(adapter, self.name)
        asked = self._call(wechat, request)
        answer = yield from ask_wechat(wechat, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            if answer.verdict.meaning is Meaning.PENDING:
                detail = f"HTTP {answer.status} {answer.code}: not carried out yet; ask, or repeat it unchanged"
                return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, detail)
            return refusal(answer)
        try:
            reply = parsed(self.reply, answer.node)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")
        differing = differs(request, reply)
        if differing is not None:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"{differing} is not the one that was asked about")
        foreign = whose(wechat.config, reply) if isinstance(reply, WeChatPayTransaction) else None
        if foreign is not None:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, foreign)
        return Answer(reply)

    def _call(self, wechat: WeChatPay, request: Request) -> Call:
        content = request.content(wechat.config)
        path = {name: str(content.pop(name)) for name in _PLACES.findall(self.name)}
        name = named(wechat.config, self.name)
        if self.name.startswith("GET "):
            query = {name: _text(value) for name, value in content.items()}
            return Call(name=name, path=path, query=query, moves_money=self.moves_money)
        return Call(name=name, path=path, body=content or None, hidden=request.hidden, moves_money=self.moves_money)


def wechat_pay(adapter: Adapter, name: str) -> WeChatPay:
    """The adapter when it is WeChat Pay's. Raises :class:`payport.sdk.ConfigurationError` for another one."""
    if not isinstance(adapter, WeChatPay):
        raise ConfigurationError(f"{name} goes through the WeChat Pay adapter, not through {type(adapter).__name__}")
    return adapter


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def differs(request: BaseModel, reply: BaseModel) -> str | None:
    """The first number or amount in the reply that is not the request's."""
    for name in ECHOED:
        asked, told = getattr(request, name, None), getattr(reply, name, None)
        if asked and told and asked != told:
            return name
    wanted, stated = _amounts(request), _amounts(reply)
    return next((name for name in wanted if stated.get(name, wanted[name]) != wanted[name]), None)


def _amounts(model: BaseModel) -> dict[str, int]:
    """The amounts that stand directly in a record or in its ``amount``."""
    found: dict[str, object] = dict(model)
    inner = found.get("amount")
    if isinstance(inner, BaseModel):
        found |= dict(inner)
    elif isinstance(inner, Mapping):
        found |= cast("dict[str, object]", inner)
    return {name: value for name, value in found.items() if name in ECHOED_AMOUNTS and isinstance(value, int)}
