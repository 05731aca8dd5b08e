"""Charging and holding: pages, app orders, codes, cards without a page.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from payport.adapters.unionpay.calls import APP, BACK, FRONT, ORDER
from payport.adapters.unionpay.endpoints.endpoint import Kind, UnionPayEndpoint, UnionPayPage
from payport.adapters.unionpay.endpoints.fields import Address, Digits2, Fen, Group, Notified, Stamp, Text, WithCard
from payport.adapters.unionpay.wire import UnionPayTransaction


class Consume(Notified):
    """What every payment says. ``pay_timeout``: until when it may be paid."""

    txn_amt: Fen
    currency_code: Annotated[str, StringConstraints(pattern="^156$")] = "156"
    pay_timeout: Stamp | None = None
    order_desc: Text | None = None
    customer_ip: Text | None = None
    risk_rate_info: Group | None = None
    acc_split_data: Group | None = None


class FrontConsume(Consume):
    """A page. ``front_url``: where the browser goes afterwards, which proves nothing."""

    front_url: Address | None = None
    iss_ins_code: Text | None = None
    instal_trans_info: Group | None = None


class AppConsume(Consume):
    """An order for the app's control, which takes its ``tn``."""


class ShownCode(Consume):
    """A code for the payer to scan."""

    term_id: Text | None = None


class ScannedCode(Consume):
    """``qr_no``: what the payer's phone shows."""

    qr_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")] = Field(repr=False)
    term_id: Text | None = None


class CardConsume(WithCard):
    """A payment without a page: by card, or by the token of an opened card (``token_pay_data``)."""

    txn_amt: Fen
    currency_code: Annotated[str, StringConstraints(pattern="^156$")] = "156"
    token_pay_data: Group | None = Field(default=None, repr=False)
    acc_type: Digits2 | None = None
    customer_ip: Text | None = None
    risk_rate_info: Group | None = None


FRONT_CONSUME: UnionPayPage[FrontConsume] = UnionPayPage(Kind(FRONT, "01", "01", "000201", "07"))
FRONT_INSTALMENT: UnionPayPage[FrontConsume] = UnionPayPage(Kind(FRONT, "01", "03", "000201", "07"))
FRONT_PRE_AUTH: UnionPayPage[FrontConsume] = UnionPayPage(Kind(FRONT, "02", "01", "000201", "07"))
APP_CONSUME: UnionPayEndpoint[AppConsume, UnionPayTransaction] = UnionPayEndpoint(
    Kind(APP, "01", "01", "000201", "08"), UnionPayTransaction
)
"""``biz_type="000802"`` in the request makes it Apple Pay."""
QR_SHOWN: UnionPayEndpoint[ShownCode, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "01", "07", "000000", "08"), UnionPayTransaction
)
QR_ORDER: UnionPayEndpoint[ShownCode, UnionPayTransaction] = UnionPayEndpoint(
    Kind(ORDER, "01", "01", "000000", "08"), UnionPayTransaction
)
QR_SCANNED: UnionPayEndpoint[ScannedCode, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "01", "06", "000000", "08"), UnionPayTransaction
)
QR_PRE_AUTH_SHOWN: UnionPayEndpoint[ShownCode, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "02", "05", "000000", "08"), UnionPayTransaction
)
QR_PRE_AUTH_SCANNED: UnionPayEndpoint[ScannedCode, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "02", "04", "000000", "08"), UnionPayTransaction
)
CARD_CONSUME: UnionPayEndpoint[CardConsume, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "01", "01", "000301", "07"), UnionPayTransaction
)
"""Without redirection (000301); ``biz_type="000902"`` in the request pays by token."""
