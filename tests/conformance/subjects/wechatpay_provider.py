"""WeChat Pay for a service provider's sub-merchant: other paths and names, the same promises."""

from __future__ import annotations

from dataclasses import replace

from tests.conformance.subjects import wechatpay

from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.sdk.testing.conformance import Door, Subject, Way

OWN, PARTNERS = wechatpay.TRADES, "/v3/pay/partner/transactions"


def moved(door: Door | None) -> Door | None:
    """The same door on a service provider's path."""
    return None if door is None else replace(door, endpoint=door.endpoint.replace(OWN, PARTNERS))


def way(one: Way[WeChatPaySimulator]) -> Way[WeChatPaySimulator]:
    """The same way to pay."""
    return replace(one, door=moved(one.door))


WAYS = ("scanned", "scanned, payer confirms", "shown", "page in WeChat")
SUBJECT: Subject[WeChatPaySimulator] = replace(
    wechatpay.SUBJECT,
    name="wechatpay_provider",
    simulator=lambda clock: WeChatPaySimulator("certificate", clock=clock, sub_mchid="1900000202"),
    ways=[way(one) for one in wechatpay.SUBJECT.ways if one.name in WAYS],
    close=moved(wechatpay.SUBJECT.close),
    reverse=moved(wechatpay.SUBJECT.reverse),
    payout=None,
    query=f"{PARTNERS}/out-trade-no/{{out_trade_no}}",
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another service provider": wechatpay.altered({"sp_mchid": "1900000999"}),
        "of another sub-merchant": wechatpay.altered({"sub_mchid": "1900000999"}),
    },
)
