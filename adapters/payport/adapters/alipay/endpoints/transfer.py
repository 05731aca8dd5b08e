"""Money sent to somebody, and what is in the account.

Sources: open.alipay.com, alipay.fund.trans.uni.transfer, common.query, alipay.fund.account.query,
alipay.data.bill.balance.query.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from payport.adapters.alipay.endpoints.endpoint import AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import (
    Number,
    Part,
    Record,
    Request,
    Text,
    Text28,
    Text64,
    Text128,
    Text200,
    Text256,
    Text512,
    Yuan,
)
from payport.adapters.alipay.planning import TRANSFER, TRANSFER_QUERY
from payport.adapters.alipay.wire import AlipayTransfer, Wire


class PayeeInfo(Part):
    """Who gets a transfer. A logon id needs the real name as well."""

    identity_type: Literal["ALIPAY_USER_ID", "ALIPAY_LOGON_ID", "ALIPAY_OPEN_ID", "BANKCARD_ACCOUNT"]
    identity: Text128 = Field(repr=False)
    name: Text128 | None = Field(default=None, repr=False)
    ext_info: Text | None = Field(default=None, repr=False)
    bankcard_ext_info: Record | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _logon_id_has_a_name(self) -> Self:
        if self.identity_type == "ALIPAY_LOGON_ID" and self.name is None:
            raise ValueError("a payee named by logon id needs the real name as well")
        return self


class SceneReport(Part):
    """One line of ``transfer_scene_report_infos``."""

    info_type: Text
    info_content: Text


class UniTransfer(Request):
    """``alipay.fund.trans.uni.transfer``: send money once per ``out_biz_no``.

    Alipay takes it in certificate mode only, from 0.10 yuan.
    """

    out_biz_no: Number
    trans_amount: Yuan
    payee_info: PayeeInfo
    product_code: Text64 = "TRANS_ACCOUNT_NO_PWD"
    biz_scene: Text64 = "DIRECT_TRANSFER"
    order_title: Text128 | None = None
    remark: Text200 | None = None
    business_params: Text | None = None
    passback_params: Text512 | None = None
    transfer_scene_name: Text64 | None = None
    transfer_scene_report_infos: tuple[SceneReport, ...] | None = None
    original_order_id: Text64 | None = None
    payer_info: Record | None = Field(default=None, repr=False)
    mutiple_currency_detail: Record | None = None
    """Alipay's own spelling."""
    sign_data: Record | None = Field(default=None, repr=False)


class TransferQuery(Request):
    """``alipay.fund.trans.common.query``: by our number (with product and scene) or by one of Alipay's.

    "Does not exist" right after an unknown outcome is not final: repeat the same ``out_biz_no``, never a new one.
    """

    one_of = (("out_biz_no", "order_id", "pay_fund_order_id"),)

    out_biz_no: Number | None = None
    order_id: Text64 | None = None
    pay_fund_order_id: Text64 | None = None
    product_code: Text64 | None = None
    biz_scene: Text64 | None = None


class FundAccountQuery(Request):
    """``alipay.fund.account.query``: the balance of an account."""

    alipay_user_id: Text28 | None = None
    alipay_open_id: Text128 | None = None
    account_type: Text64 = "ACCTRANS_ACCOUNT"
    account_product_code: Text64 | None = None
    account_scene_code: Text64 | None = None
    merchant_user_id: Text256 | None = None


class FundAccount(Wire):
    """Amounts in yuan. ``available_amount``: what can be spent."""

    available_amount: str | None = None
    freeze_amount: str | None = None
    total_amount: str | None = None


class BillBalanceQuery(Request):
    """``alipay.data.bill.balance.query``: the balance of the merchant's own account."""

    bill_user_id: Text28 | None = None


class BillBalance(Wire):
    """Amounts in yuan."""

    available_amount: str | None = None
    freeze_amount: str | None = None
    settle_amount: str | None = None
    total_amount: str | None = None


UNI_TRANSFER: AlipayEndpoint[UniTransfer, AlipayTransfer] = AlipayEndpoint(TRANSFER, AlipayTransfer)
TRANSFER_COMMON_QUERY: AlipayEndpoint[TransferQuery, AlipayTransfer] = AlipayEndpoint(
    TRANSFER_QUERY, AlipayTransfer, moves_money=False
)
FUND_ACCOUNT_QUERY: AlipayEndpoint[FundAccountQuery, FundAccount] = AlipayEndpoint(
    "alipay.fund.account.query", FundAccount, moves_money=False
)
BILL_BALANCE_QUERY: AlipayEndpoint[BillBalanceQuery, BillBalance] = AlipayEndpoint(
    "alipay.data.bill.balance.query", BillBalance, moves_money=False
)
