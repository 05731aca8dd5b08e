"""Native calls of the library against the simulated WeChat Pay: two readings of the same documents agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from payport.adapters.wechatpay import WeChatPay, endpoints
from payport.adapters.wechatpay.endpoints.combine import SubAmount, SubOrder, SubOrderToClose
from payport.adapters.wechatpay.endpoints.payments import Amount, OrderPayer, Settle
from payport.adapters.wechatpay.endpoints.transfers import SceneReport
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.adapters.wechatpay.simulator.calls import CHINA
from payport.adapters.wechatpay.simulator.keys import Mode, pair
from payport.schemas import Succeeded, Unknown
from payport.sdk.gateway import Gateway

ReplyT = TypeVar("ReplyT")
NOTIFY = "https://shop.example/wechatpay"
SUB = "1900000110"


class Shop:
    """A gateway and the partner behind it. ``sub``: for whom, with a service provider."""

    def __init__(self, partner: WeChatPaySimulator) -> None:
        self.partner = partner
        self.sub = partner.account.sub_mchid
        self.gateway = Gateway(
            WeChatPay(partner.account),
            journal="sqlite:///:memory:?durable=no",
            transport=partner.transport(),
            sinks=(),
        )

    def done(self, outcome: object, kind: type[ReplyT]) -> ReplyT:
        """The reply of a call that succeeded."""
        assert isinstance(outcome, Succeeded), outcome
        assert isinstance(outcome.value, kind)
        return outcome.value

    def paid(self, number: str = "SHOP01") -> str:
        """A payment of 1234 fen that may be shared; WeChat's number."""
        order = endpoints.NewOrder(
            description="Tea",
            out_trade_no=number,
            notify_url=NOTIFY,
            amount=Amount(total=1234),
            settle_info=Settle(profit_sharing=True),
        )
        prepared = self.gateway.native(endpoints.PAY_NATIVE, order)
        assert isinstance(prepared, Succeeded), prepared
        self.partner.payer.scan(prepared.value.code_url or "")
        told = self.gateway.native(
            endpoints.QUERY_BY_OUT_TRADE_NO, endpoints.TransactionByOutTradeNo(out_trade_no=number)
        )
        assert isinstance(told, Succeeded), told
        assert told.value.trade_state == "SUCCESS"
        by_id = endpoints.TransactionById(transaction_id=told.value.transaction_id or "")
        assert self.gateway.native(endpoints.QUERY_BY_ID, by_id) == told
        return told.value.transaction_id or ""


@pytest.fixture(params=["certificate", "both", "public_key", "provider"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A merchant in each mode, and a service provider."""
    modes: dict[str, Mode] = {"certificate": "certificate", "both": "both", "public_key": "public_key"}
    sub_mchid = SUB if request.param == "provider" else None
    made = Shop(WeChatPaySimulator(modes.get(request.param, "both"), sub_mchid=sub_mchid))
    yield made
    made.gateway.close()


def test_sharing_from_the_receiver_to_what_is_left(shop: Shop) -> None:
    """The receiver's name leaves encrypted and comes back encrypted for us."""
    gateway, transaction_id = shop.gateway, shop.paid()
    new = endpoints.NewReceiver(type="MERCHANT_ID", account="1900000200", name="供应商", relation_type="SUPPLIER")
    known = shop.done(gateway.native(endpoints.SHARE_RECEIVER_ADD, new), endpoints.KnownReceiver)
    assert pair("merchant").decrypt(known.name or "") == "供应商"
    to = endpoints.ShareReceiver(type="MERCHANT_ID", account="1900000200", amount=300, description="x", name="供应商")
    order = endpoints.ShareOrder(
        transaction_id=transaction_id, out_order_no="SPLIT1", receivers=(to,), unfreeze_unsplit=False
    )
    first = shop.done(gateway.native(endpoints.SHARE, order), endpoints.ShareState)
    assert first.state == "PROCESSING"
    assert shop.done(gateway.native(endpoints.SHARE, order), endpoints.ShareState) == first
    shop.partner.process()
    query = endpoints.ShareQuery(transaction_id=transaction_id, out_order_no="SPLIT1")
    state = shop.done(gateway.native(endpoints.SHARE_QUERY, query), endpoints.ShareState)
    assert (state.state, [one.result for one in state.receivers or ()]) == ("FINISHED", ["SUCCESS"])
    back = endpoints.ShareReturn(
        out_order_no="SPLIT1", out_return_no="BACK1", return_mchid="1900000200", amount=100, description="back"
    )
    returned = shop.done(gateway.native(endpoints.SHARE_RETURN, back), endpoints.ShareReturned)
    asked = endpoints.ShareReturnQuery(out_return_no="BACK1", out_order_no="SPLIT1")
    assert shop.done(gateway.native(endpoints.SHARE_RETURN_QUERY, asked), endpoints.ShareReturned) == returned
    left = endpoints.ShareAmountsQuery(transaction_id=transaction_id)
    assert shop.done(gateway.native(endpoints.SHARE_AMOUNTS, left), endpoints.ShareAmounts).unsplit_amount == 1034
    rest = endpoints.ShareUnfreeze(transaction_id=transaction_id, out_order_no="REST1", description="rest")
    shop.done(gateway.native(endpoints.SHARE_UNFREEZE, rest), endpoints.ShareState)
    assert shop.done(gateway.native(endpoints.SHARE_AMOUNTS, left), endpoints.ShareAmounts).unsplit_amount == 0
    old = endpoints.OldReceiver(type="MERCHANT_ID", account="1900000200")
    shop.done(gateway.native(endpoints.SHARE_RECEIVER_DELETE, old), endpoints.KnownReceiver)
    config = gateway.native(endpoints.SHARE_CONFIG, endpoints.ShareConfigQuery(sub_mchid=SUB))
    assert isinstance(config, Succeeded) is (shop.sub is not None)


def test_a_combined_order_is_made_asked_about_paid_and_another_closed(shop: Shop) -> None:
    """Parts of the same merchant."""
    gateway, account = shop.gateway, shop.partner.account
    for group, pays in (("GROUP1", True), ("GROUP2", False)):
        parts = tuple(
            SubOrder(
                mchid=account.mchid,
                out_trade_no=f"{group}P{index}",
                attach="a",
                description="Tea",
                amount=SubAmount(total_amount=100),
                sub_mchid=shop.sub,
            )
            for index in range(2)
        )
        order = endpoints.CombinedOrder(combine_out_trade_no=group, sub_orders=parts, notify_url=NOTIFY)
        prepared = gateway.native(endpoints.COMBINE_NATIVE, order)
        assert isinstance(prepared, Succeeded), prepared
        if pays:
            shop.partner.payer.scan(prepared.value.code_url or "")
        else:
            named = tuple(
                SubOrderToClose(mchid=account.mchid, out_trade_no=part.out_trade_no, sub_mchid=shop.sub)
                for part in parts
            )
            close = endpoints.CombineClose(combine_out_trade_no=group, sub_orders=named)
            assert isinstance(gateway.native(endpoints.COMBINE_CLOSE, close), Succeeded)
        told = gateway.native(endpoints.COMBINE_QUERY, endpoints.CombineQuery(combine_out_trade_no=group))
        assert isinstance(told, Succeeded), told
        states = {part.trade_state for part in told.value.sub_orders}
        assert {"SUCCESS" if pays else "CLOSED"} == states


def test_bills_certificates_and_the_echo(shop: Shop) -> None:
    """What moves nothing."""
    gateway = shop.gateway
    shop.paid()
    day = f"{shop.partner.now.astimezone(CHINA):%Y-%m-%d}"
    shop.partner.advance(2 * 86400)
    bills = [
        gateway.native(endpoints.TRADE_BILL, endpoints.TradeBillQuery(bill_date=day)),
        gateway.native(endpoints.FUND_FLOW_BILL, endpoints.FundFlowBillQuery(bill_date=day)),
    ]
    assert [Succeeded, Succeeded] == [type(told) for told in bills], bills
    listed = gateway.native(endpoints.CERTIFICATES, endpoints.CertificatesQuery())
    assert isinstance(listed, Unknown if shop.partner.mode == "public_key" else Succeeded), listed
    echo = gateway.native(endpoints.ECHO, endpoints.Echo(echo_message="hello", encrypted_echo_message="hello"))
    assert isinstance(echo, Succeeded), echo


def test_a_page_for_a_payer_of_known_identity(shop: Shop) -> None:
    """Number and name leave encrypted."""
    who = endpoints.payments.Identity(type="IDCARD", number="11010119900307001X", name="张三")
    openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    payer = OrderPayer(identity=who, sp_openid=openid) if shop.sub else OrderPayer(identity=who, openid=openid)
    order = endpoints.NewPageOrder(
        description="Tea", out_trade_no="SHOP07", notify_url=NOTIFY, amount=Amount(total=1234), payer=payer
    )
    assert isinstance(shop.gateway.native(endpoints.PAY_JSAPI, order), Succeeded)


def test_a_transfer_by_either_number(shop: Shop) -> None:
    """With a name that leaves encrypted; cancelled before it was confirmed."""
    gateway = shop.gateway
    new = endpoints.NewTransfer(
        out_bill_no="PAYOUT1",
        transfer_scene_id="1000",
        openid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        transfer_amount=250_000,
        transfer_remark="Wages",
        user_name="张三",
        notify_url=NOTIFY,
        transfer_scene_report_infos=(SceneReport(info_type="x", info_content="y"),),
    )
    made = gateway.native(endpoints.TRANSFER, new)
    assert isinstance(made, Succeeded), made
    cancelled = gateway.native(endpoints.TRANSFER_CANCEL, endpoints.TransferCancel(out_bill_no="PAYOUT1"))
    assert isinstance(cancelled, Succeeded), cancelled
    shop.partner.process()
    asked = gateway.native(endpoints.TRANSFER_BY_OUT_BILL_NO, endpoints.TransferByOutBillNo(out_bill_no="PAYOUT1"))
    by_number = gateway.native(
        endpoints.TRANSFER_BY_BILL_NO, endpoints.TransferByBillNo(transfer_bill_no=made.value.transfer_bill_no or "")
    )
    assert isinstance(asked, Succeeded), asked
    assert isinstance(by_number, Succeeded), by_number
    assert (asked.value.state, by_number.value.state) == ("CANCELLED", "CANCELLED")
