"""What users of other libraries lost money or nights over, played against the simulator."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from proof.clocks import Skew, SkewedClock

from payport.adapters.wechatpay import JsApi, WeChatPay, WeChatPayPayee
from payport.adapters.wechatpay.simulator import Fault, Wallet, WeChatPaySimulator
from payport.schemas import (
    ActionRequired,
    Declined,
    Money,
    NotSent,
    Order,
    Payer,
    PayoutOrder,
    QrScanned,
    QrShown,
    Reason,
    Rejected,
    Succeeded,
    Unknown,
    Verified,
)
from payport.sdk import AsyncGateway, Gateway, Secret
from payport.sdk.events import Level, SdkEvent
from payport.sdk.testing.stepping import Time, WorkerClock

FORGETFUL = "sqlite:///:memory:?durable=no"
KEY = Secret(base64.b64encode(bytes(range(32))).decode())
NATIVE = "POST /v3/pay/transactions/native"
CODEPAY = "POST /v3/pay/transactions/codepay"
BILLS = "POST /v3/fund-app/mch-transfer/transfer-bills"
TEN = Money.of("10.00", "CNY")
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def order(ref: str) -> Order:
    """Ten yuan of tea."""
    return Order(ref=ref, amount=TEN, subject="Tea", payer=Payer(id=OPENID))


def gateway_to(partner: WeChatPaySimulator, *, told: list[SdkEvent] | None = None) -> Gateway[WeChatPay]:
    """A merchant that keeps requests sealed, so that they can be repeated."""
    sinks = [] if told is None else [told.append]
    return Gateway(
        WeChatPay(partner.account), journal=FORGETFUL, sealing_key=KEY, transport=partner.transport(), sinks=sinks
    )


def test_a_code_whose_answer_was_lost_is_shown_all_the_same() -> None:
    """tenpay#67: after a time-out WeChat's acceptance test wants a question; the customer wants the code."""
    partner = WeChatPaySimulator()
    with gateway_to(partner) as gateway:
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, NATIVE, times=3)
        assert isinstance(gateway.pay(order("LOST000001"), QrShown(), deadline_s=2.0), Unknown)
        partner.faults.next(Fault.SYSTEM_ERROR, NATIVE)
        gateway.resolve("LOST000001")  # it is there, and the code is not given
        shown = gateway.pay(order("LOST000001"), QrShown())
        assert isinstance(shown, ActionRequired)
        partner.payer.open(shown.action)
        assert isinstance(gateway.query("LOST000001").outcome, Succeeded)
    assert len(partner.ledger.charges(starting_with="LOST000001")) == 1


def test_a_scanned_code_is_never_charged_twice() -> None:
    """The charge went through, the answer did not: asked about, never sent again."""
    partner = WeChatPaySimulator()
    with gateway_to(partner) as gateway:
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, CODEPAY)
        code = QrScanned(auth_code=partner.payer.code())
        gateway.pay(order("ONCE000001"), code, deadline_s=1.0)
        gateway.resolve("ONCE000001")
        assert isinstance(gateway.pay(order("ONCE000001"), code), Succeeded)
    assert len(partner.ledger.charges(starting_with="ONCE000001")) == 1


def test_a_lost_confirmation_does_not_pay_out_twice() -> None:
    """Whatever is refused or lost, the number stays: another one would pay twice."""
    partner = WeChatPaySimulator()
    payee = WeChatPayPayee(openid=OPENID, scene_id="1000", report={"活动名称": "Tea", "奖励说明": "Prize"})
    wages = PayoutOrder(ref="WAGES00001", amount=TEN, subject="Prize")
    with gateway_to(partner) as gateway:
        # what the payee confirms by is lost, and lost once more when it is fetched
        partner.faults.next(Fault.COMMIT_THEN_SILENCE, BILLS, times=2)
        assert isinstance(gateway.payout(wages, payee, deadline_s=2.0), Unknown)
        found = gateway.query_payout(wages.ref).outcome
        assert isinstance(found, ActionRequired)
        partner.payer.open(found.action)
        assert isinstance(gateway.query_payout(wages.ref).outcome, Succeeded)
    assert len(partner.ledger.transfers()) == 1


def test_a_clock_that_was_hours_ahead_costs_nothing_once_it_is_right() -> None:
    """A machine came up on local time: no certificate could be fetched. Then its clock was set, and wages are paid."""
    time, skew = Time(), Skew(8 * 3_600.0)
    partner = WeChatPaySimulator(clock=time)
    prize = {"活动名称": "Tea", "奖励说明": "Prize"}
    payee = WeChatPayPayee(openid=OPENID, scene_id="1000", name="李雷雷", report=prize)
    with Gateway(
        WeChatPay(partner.account),
        journal=FORGETFUL,
        sealing_key=KEY,
        transport=partner.transport(),
        clock=SkewedClock(time, "till", skew),
    ) as gateway:
        assert isinstance(gateway.payout(PayoutOrder(ref="EARLY00001", amount=TEN, subject="Prize"), payee), NotSent)
        skew.seconds = 0.0
        time.pass_by(120.0)
        told = gateway.payout(PayoutOrder(ref="EARLY00002", amount=TEN, subject="Prize"), payee)
        assert isinstance(told, ActionRequired), told


def test_a_merchant_without_money_is_told_so_and_may_try_again() -> None:
    """NOT_ENOUGH is the payer's poverty on a charge, and the merchant's own on a transfer."""
    partner = WeChatPaySimulator(balance_minor=0)
    payee = WeChatPayPayee(openid=OPENID, scene_id="1000", report={"活动名称": "Tea", "奖励说明": "Prize"})
    with gateway_to(partner) as gateway:
        broke = gateway.pay(order("POOR000001"), QrScanned(auth_code=partner.payer.code(Wallet.NO_MONEY)))
        assert isinstance(broke, Declined)
        assert broke.reason is Reason.INSUFFICIENT_FUNDS
        refused = gateway.payout(PayoutOrder(ref="POOR000002", amount=TEN, subject="Prize"), payee)
        assert isinstance(refused, Declined)
        assert refused.reason is Reason.MERCHANT_FUNDS
    assert len(partner.ledger.transfers()) == 0


def test_an_async_receiver_fetches_the_new_certificate_itself() -> None:
    """CertificateDownloader#27, wechatpayv3: an async client that cannot refresh inside a callback."""

    async def scene() -> None:
        partner = WeChatPaySimulator("certificate")
        async with AsyncGateway(
            WeChatPay(partner.account), journal=FORGETFUL, transport=partner.async_transport()
        ) as gateway:
            shown = await gateway.pay(order("ASYNC00001"), QrShown())
            assert isinstance(shown, ActionRequired)
            partner.rotate_certificate()
            partner.payer.open(shown.action)
            assert isinstance(await gateway.receive(partner.notices[-1]), Verified)
            assert isinstance((await gateway.query("ASYNC00001")).outcome, Succeeded)

    asyncio.run(scene())


def test_a_year_old_notice_is_no_notice() -> None:
    """wechatpayv3 takes it [measured]; yansongda had no check before 2026."""
    partner = WeChatPaySimulator()
    with gateway_to(partner) as gateway:
        shown = gateway.pay(order("OLD0000001"), QrShown())
        assert isinstance(shown, ActionRequired)
        partner.payer.open(shown.action)
        stale = gateway.receive(partner.notices.stale(partner.notices[-1], 365 * 86_400.0))
        assert isinstance(stale, Rejected)
        assert isinstance(gateway.receive(partner.notices[-1]), Verified)


def test_many_merchants_in_one_process_do_not_share_keys_or_notices() -> None:
    """java#122, IJPay#34, WxJava#2227: globals that mix merchants up."""
    first, second = WeChatPaySimulator(), WeChatPaySimulator(mchid="1900000777")
    with gateway_to(first) as one, gateway_to(second) as other:
        for gateway, partner, ref in ((one, first, "ONE0000001"), (other, second, "TWO0000001")):
            shown = gateway.pay(order(ref), JsApi())
            assert isinstance(shown, ActionRequired)
            partner.payer.open(shown.action)
        assert isinstance(one.receive(first.notices[-1]), Verified)
        assert isinstance(one.receive(second.notices[-1]), Rejected)
        assert isinstance(other.receive(second.notices[-1]), Verified)


def test_no_event_and_no_journal_shows_a_secret(tmp_path: Path) -> None:
    """yansongda#946: Authorization and decrypted texts in a debug log."""
    partner, told = WeChatPaySimulator(), list[SdkEvent]()
    place = tmp_path / "payments.db"
    adapter = WeChatPay(partner.account)
    code = partner.payer.code()
    with Gateway(
        adapter, journal=f"sqlite:///{place}", sealing_key=KEY, transport=partner.transport(), sinks=[told.append]
    ) as gateway:
        gateway.pay(order("QUIET00001"), QrScanned(auth_code=code)).unwrap()
        payee = WeChatPayPayee(
            openid=OPENID, scene_id="1000", name="李雷雷", report={"活动名称": "Tea", "奖励说明": "Prize"}
        )
        gateway.payout(PayoutOrder(ref="QUIET00002", amount=TEN, subject="Prize"), payee)
    shown = " ".join(str(event.plain()) + repr(event) for event in told)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in ("WECHATPAY2", partner.account.api_v3_key.reveal(), code, "李雷雷"):
        assert secret not in shown
        assert secret.encode() not in kept
    assert max(event.level for event in told) < Level.ERROR


@pytest.mark.parametrize("wallet", [Wallet.CONFIRMS, Wallet.BANK_FAILS])
def test_the_counter_ends_by_itself(wallet: Wallet) -> None:
    """Asked every 5 to 10 seconds, reversed after 45: the customer walks away, and no money stays."""
    time = Time()
    partner = WeChatPaySimulator(clock=time)
    with Gateway(
        WeChatPay(partner.account),
        journal=FORGETFUL,
        sealing_key=KEY,
        transport=partner.transport(),
        clock=WorkerClock(time, "counter"),
    ) as gateway:
        outcome = gateway.pay(order("COUNTER001"), QrScanned(auth_code=partner.payer.code(wallet)), deadline_s=90.0)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CLOSED
    assert partner.ledger.paid_total("CNY") == Money.zero("CNY")
