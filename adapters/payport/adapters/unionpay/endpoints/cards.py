"""Cards that are opened once and pay without a page afterwards: opening, asking, text messages, giving back.

``bizType`` 000301 is payment without redirection, 000902 by token. Which subtype a product uses differs between public
sources (78/00 and 78/02), so both are there. Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from pydantic import Field

from payport.adapters.unionpay.calls import BACK, FRONT
from payport.adapters.unionpay.endpoints.endpoint import Kind, UnionPayEndpoint, UnionPayPage
from payport.adapters.unionpay.endpoints.fields import Address, Fen, Group, WithCard
from payport.adapters.unionpay.wire import Received, UnionPayToken


class OpenCard(WithCard):
    """The page on which a payer opens a card. ``token_pay_data``: ``{trId=...&tokenType=01}`` for a token."""

    front_url: Address | None = None
    token_pay_data: Group | None = Field(default=None, repr=False)


class CardQuery(WithCard):
    """Whether a card is open, by the order that opened it, and its token."""

    token_pay_data: Group | None = Field(default=None, repr=False)


class CardClose(WithCard):
    """Give an opened card, or its token, back."""

    token_pay_data: Group | None = Field(default=None, repr=False)


class SmsCode(WithCard):
    """Have UnionPay send the payer a code for a payment that follows."""

    txn_amt: Fen
    token_pay_data: Group | None = Field(default=None, repr=False)


OPEN_CARD: UnionPayPage[OpenCard] = UnionPayPage(Kind(FRONT, "79", "00", "000301", "07"))
OPEN_QUERY: UnionPayEndpoint[CardQuery, UnionPayToken] = UnionPayEndpoint(
    Kind(BACK, "78", "00", "000301", "07"), UnionPayToken, moves_money=False
)
TOKEN_QUERY: UnionPayEndpoint[CardQuery, UnionPayToken] = UnionPayEndpoint(
    Kind(BACK, "78", "02", "000902", "07"), UnionPayToken, moves_money=False
)
CLOSE_CARD: UnionPayEndpoint[CardClose, Received] = UnionPayEndpoint(
    Kind(BACK, "74", "00", "000301", "07"), Received, moves_money=False
)
SMS_CODE: UnionPayEndpoint[SmsCode, Received] = UnionPayEndpoint(
    Kind(BACK, "77", "02", "000301", "07"), Received, moves_money=False
)
