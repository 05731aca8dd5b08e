"""One transaction of UnionPay, typed: the request and reply it speaks, and the one way to call any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.calls import FRONT, Call, encoding_of
from payport.adapters.unionpay.endpoints.fields import Request, WithCard
from payport.adapters.unionpay.envelope import ask_gateway
from payport.adapters.unionpay.forms import codec_of
from payport.adapters.unionpay.mapping import Meaning, refusal
from payport.adapters.unionpay.performing import signed_page
from payport.adapters.unionpay.planning import check_encoding
from payport.adapters.unionpay.reading import Unreadable, parsed_as
from payport.adapters.unionpay.sensitive import encrypt, encrypt_pin, write_customer_info
from payport.adapters.unionpay.wire import Received
from payport.schemas.actions import PostForm
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Adapter, Answer, InvalidIntent
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Received, covariant=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """Which transaction: address, ``txnType``, ``txnSubType``, and its product unless a request names another."""

    path: str
    txn_type: str
    txn_sub_type: str
    biz_type: str
    channel_type: str = ""

    @property
    def name(self) -> str:
        """The endpoint's name: ``backTransReq.do 04/00``."""
        return f"{self.path} {self.txn_type}/{self.txn_sub_type}".strip()

    def fields(self) -> dict[str, str]:
        """What every request of it says."""
        said = {
            "txnType": self.txn_type,
            "txnSubType": self.txn_sub_type,
            "bizType": self.biz_type,
            "channelType": self.channel_type,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class UnionPayEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One transaction for ``gateway.native``.

    ``reply``: what a successful answer is read as. ``moves_money``: whether it may charge, hold, refund or send money.
    ``Succeeded`` says that UnionPay received it; how it ended stands in what a query says (``orig_resp_code``).
    """

    kind: Kind
    reply: type[ReplyT_co]
    moves_money: bool = True

    @property
    def name(self) -> str:
        """UnionPay's address and transaction type."""
        return self.kind.name

    @property
    def partner(self) -> str:
        """``"unionpay"``."""
        return "unionpay"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Sign, send, authenticate, decode, compare with what was asked."""
        unionpay = _unionpay(adapter, self.name)
        asked = yield from _call(unionpay, self.kind, request, moves_money=self.moves_money)
        if isinstance(asked, Observation):
            return asked
        answer = yield from ask_gateway(unionpay, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if answer.meaning is Meaning.PENDING:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{answer.code}: accepted, not final; query it")
        if answer.meaning not in (Meaning.DONE, Meaning.FLAGGED):
            return refusal(answer.code, answer.message)
        try:
            return Answer(parsed_as(self.reply, answer.fields))
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")


@dataclass(frozen=True, slots=True)
class UnionPayPage(Generic[RequestT_contra]):
    """A page: signed here and posted by the payer's browser; no call of ours.

    It can be paid with no further word to us, and a native call is not journalled: prefer ``pay``.
    """

    kind: Kind

    @property
    def name(self) -> str:
        """UnionPay's address and transaction type."""
        return self.kind.name

    @property
    def partner(self) -> str:
        """``"unionpay"``."""
        return "unionpay"

    def call(
        self,
        adapter: Adapter,
        request: RequestT_contra,
        deadline_s: float,  # noqa: ARG002 - every endpoint is told; nothing is sent here
    ) -> Exchange[Answer[PostForm] | Observation]:
        """Sign the form."""
        unionpay = _unionpay(adapter, self.name)
        asked = yield from _call(unionpay, self.kind, request, moves_money=True)
        if isinstance(asked, Observation):
            return asked
        return Answer((yield from signed_page(unionpay, asked)))


def _unionpay(adapter: Adapter, name: str) -> UnionPay:
    if not isinstance(adapter, UnionPay):
        raise ConfigurationError(f"{name} goes through the UnionPay adapter, not through {type(adapter).__name__}")
    return adapter


def _call(unionpay: UnionPay, kind: Kind, request: Request, *, moves_money: bool) -> Exchange[Call | Observation]:
    now = (yield from exchange.now()).utc
    account = unionpay.config
    fields = {**kind.fields(), "txnTime": stamp(now), **request.content()}
    told = "back_url" in type(request).model_fields
    if told and "backUrl" not in fields and account.notify_url is not None:
        fields["backUrl"] = account.notify_url
    if kind.path == FRONT and "frontUrl" not in fields and account.return_url is not None:
        fields["frontUrl"] = account.return_url
    call = Call(path=kind.path, fields=fields, moves_money=moves_money)
    try:
        if isinstance(request, WithCard):
            call = Call(path=kind.path, fields={**fields, **_card(unionpay, call, request)}, moves_money=moves_money)
        check_encoding(account, call)
    except InvalidIntent as error:
        cause = NotSentCause(NotSentKind.INVALID, str(error))
        return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
    return call


def _card(unionpay: UnionPay, call: Call, request: WithCard) -> dict[str, str]:
    """The card data of a request, encrypted. Raises :class:`InvalidIntent`."""
    if request.acc_no is None and request.customer is None:
        return {}
    encryption = unionpay.keys.encryption
    if encryption is None:
        raise InvalidIntent(
            "card data is sent encrypted only: configure encryption_certificate (ENCRYPTION_KEY has it)"
        )
    codec = codec_of(encoding_of(unionpay.config, call)) or "utf-8"
    fields = {"encryptCertId": encryption.cert_id}
    if request.acc_no is not None:
        fields["accNo"] = encrypt(encryption.key, request.acc_no, codec)
    if request.customer is not None:
        known = request.customer.content()
        if request.customer.pin is not None:
            if request.acc_no is None:
                raise InvalidIntent("a PIN is encrypted together with the card number: give acc_no as well")
            known["pin"] = encrypt_pin(encryption.key, request.customer.pin, request.acc_no)
        fields["customerInfo"] = write_customer_info(encryption.key, known, codec)
    return fields
