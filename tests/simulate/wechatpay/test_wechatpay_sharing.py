"""Profit sharing at WeChat Pay: parts of a payment for receivers that were added before."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import Clock, Merchant

from payport.adapters.wechatpay.simulator import EntryKind, Fault, WeChatPaySimulator

BASE = "/v3/profitsharing"
SUPPLIER = {"type": "MERCHANT_ID", "account": "1900000200"}
STAFF = {"type": "PERSONAL_OPENID", "account": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}


@pytest.fixture
def payment(merchant: Merchant) -> str:
    """A payment of 1234 fen that may be shared; WeChat's number. Both receivers are added."""
    for receiver, relation in ((SUPPLIER, "SUPPLIER"), (STAFF, "STAFF")):
        body = {**receiver, "appid": merchant.account.appid, "relation_type": relation}
        assert merchant.call("POST", f"{BASE}/receivers/add", body).status == 200
    return merchant.paid(settle_info={"profit_sharing": True})


def share(merchant: Merchant, transaction_id: str, number: str, /, *amounts: int, **more: object) -> dict[str, object]:
    """Share with the supplier, then the staff."""
    receivers = [
        {**who, "amount": amount, "description": "part"}
        for who, amount in zip((SUPPLIER, STAFF), amounts, strict=False)
    ]
    body = {
        "appid": merchant.account.appid,
        "transaction_id": transaction_id,
        "out_order_no": number,
        "receivers": receivers,
        "unfreeze_unsplit": False,
        **more,
    }
    said = merchant.call("POST", f"{BASE}/orders", body)
    return {"status": said.status, **said.fields}


def asked(merchant: Merchant, transaction_id: str, number: str) -> dict[str, object]:
    """How it stands."""
    return merchant.call("GET", f"{BASE}/orders/{number}?transaction_id={transaction_id}").fields


def unsplit(merchant: Merchant, transaction_id: str) -> int:
    """What is left."""
    return int(merchant.call("GET", f"{BASE}/transactions/{transaction_id}/amounts").fields["unsplit_amount"])


def test_shared_first_in_progress_then_finished(merchant: Merchant, payment: str) -> None:
    """Each receiver has a result of its own."""
    made = share(merchant, payment, "SPLIT1", 300, 200)
    assert (made["status"], made["state"]) == (200, "PROCESSING")
    assert made == share(merchant, payment, "SPLIT1", 300, 200)
    assert unsplit(merchant, payment) == 734
    assert share(merchant, payment, "SPLIT1", 301)["code"] == "INVALID_REQUEST"
    merchant.partner.advance(60)
    after = asked(merchant, payment, "SPLIT1")
    receivers = after["receivers"]
    assert isinstance(receivers, list)
    assert (after["state"], [one["result"] for one in receivers]) == ("FINISHED", ["SUCCESS", "SUCCESS"])
    moved = [entry.amount_minor for entry in merchant.partner.ledger.entries() if entry.kind is EntryKind.SPLIT]
    assert moved == [-300, -200]


def test_a_share_that_fails_is_closed_and_free_again(merchant: Merchant, payment: str) -> None:
    """When told to."""
    share(merchant, payment, "SPLIT1", 300)
    merchant.partner.process(succeed=False)
    after = asked(merchant, payment, "SPLIT1")
    assert after["receivers"][0]["result"] == "CLOSED"  # type: ignore[index]
    assert unsplit(merchant, payment) == 1234


def test_the_rest_is_unfrozen_once(merchant: Merchant, payment: str) -> None:
    """By itself or with the last share; then nothing more is shared."""
    body = {"transaction_id": payment, "out_order_no": "REST1", "description": "the rest"}
    first = merchant.call("POST", f"{BASE}/orders/unfreeze", body)
    assert (first.status, first.fields["state"]) == (200, "PROCESSING")
    assert first.fields == merchant.call("POST", f"{BASE}/orders/unfreeze", body).fields
    merchant.partner.process()
    assert asked(merchant, payment, "REST1")["state"] == "FINISHED"
    assert (unsplit(merchant, payment), share(merchant, payment, "SPLIT2", 1)["code"]) == (0, "INVALID_REQUEST")


def test_a_receiver_gives_back_what_it_got(merchant: Merchant, payment: str) -> None:
    """Not more, and a refund of what was shared needs it first."""
    share(merchant, payment, "SPLIT1", 300)
    merchant.partner.process()
    assert merchant.refund(refund=1234).code == "NOT_ENOUGH"
    body: dict[str, object] = {
        "out_order_no": "SPLIT1",
        "out_return_no": "BACK1",
        "return_mchid": "1900000200",
        "amount": 300,
        "description": "back",
    }
    assert merchant.call("POST", f"{BASE}/return-orders", {**body, "amount": 301}).code == "INVALID_REQUEST"
    said = merchant.call("POST", f"{BASE}/return-orders", body)
    assert (said.status, said.fields["result"]) == (200, "SUCCESS")
    assert said.fields == merchant.call("POST", f"{BASE}/return-orders", body).fields
    assert said.fields == merchant.call("GET", f"{BASE}/return-orders/BACK1?out_order_no=SPLIT1").fields
    assert merchant.call("POST", f"{BASE}/return-orders", {**body, "amount": 1}).code == "INVALID_REQUEST"
    assert merchant.refund(refund=1234).status == 200


def test_a_slow_return_succeeds_or_fails(merchant: Merchant, payment: str) -> None:
    """PROCESSING first."""
    share(merchant, payment, "SPLIT1", 300)
    merchant.partner.process()
    for number, succeed, result in (("BACK1", True, "SUCCESS"), ("BACK2", False, "FAILED")):
        merchant.partner.faults.next(Fault.SLOW_PROCESSING)
        body = {"out_order_no": "SPLIT1", "out_return_no": number, "return_mchid": "1900000200", "amount": 10}
        said = merchant.call("POST", f"{BASE}/return-orders", {**body, "description": "back"})
        assert said.fields["result"] == "PROCESSING"
        merchant.partner.process(succeed=succeed)
        asked_again = merchant.call("GET", f"{BASE}/return-orders/{number}?out_order_no=SPLIT1")
        assert asked_again.fields["result"] == result


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"transaction_id": "1" * 28}, "RESOURCE_NOT_EXISTS"),
        ({"out_order_no": "SPLIT 1"}, "PARAM_ERROR"),
        ({"receivers": []}, "PARAM_ERROR"),
        ({"receivers": [{**SUPPLIER, "account": "1", "amount": 1, "description": "x"}]}, "INVALID_REQUEST"),
        ({"receivers": [{**SUPPLIER, "amount": 1235, "description": "x"}]}, "NOT_ENOUGH"),
        ({"receivers": [{**SUPPLIER, "type": "FRIEND", "amount": 1, "description": "x"}]}, "PARAM_ERROR"),
        ({"receivers": "all"}, "PARAM_ERROR"),
        ({"unfreeze_unsplit": "yes"}, "PARAM_ERROR"),
        ({"sub_mchid": "1900000110"}, "PARAM_ERROR"),
    ],
)
def test_a_share_that_cannot_be(merchant: Merchant, payment: str, change: dict[str, object], code: str) -> None:
    """Only with receivers that were added, only what is left of a payment that may be shared."""
    assert code == share(merchant, payment, "SPLIT1", 100, **change).get("code", "")
    assert unsplit(merchant, payment) == 1234


def test_a_payment_is_shared_only_when_it_was_made_for_it(merchant: Merchant, payment: str) -> None:
    """And at most twenty times; a deleted receiver gets nothing."""
    plain = merchant.paid("SHOP02")
    assert share(merchant, plain, "SPLIT0", 1)["code"] == "INVALID_REQUEST"
    assert merchant.call("GET", f"{BASE}/transactions/{plain}/amounts").code == "RESOURCE_NOT_EXISTS"
    for number in range(20):
        assert share(merchant, payment, f"SPLIT{number + 1}", 1)["status"] == 200
    assert share(merchant, payment, "SPLIT21", 1)["code"] == "RULE_LIMIT"
    assert merchant.call("POST", f"{BASE}/receivers/delete", {"appid": "x", **SUPPLIER}).status == 200
    other = merchant.paid("SHOP03", settle_info={"profit_sharing": True})
    assert share(merchant, other, "SPLIT22", 1)["code"] == "INVALID_REQUEST"
    assert merchant.call("GET", f"{BASE}/orders/SPLIT99?transaction_id={payment}").code == "RESOURCE_NOT_EXISTS"
    assert merchant.call("GET", f"{BASE}/return-orders/B9?out_order_no=SPLIT1").code == "RESOURCE_NOT_EXISTS"
    body = {"out_order_no": "S9", "out_return_no": "B9", "return_mchid": "1", "amount": 1, "description": "x"}
    assert merchant.call("POST", f"{BASE}/return-orders", body).code == "RESOURCE_NOT_EXISTS"


def test_a_service_provider_shares_for_its_sub_merchant(clock: Clock) -> None:
    """The sub-merchant is named in the request and in the answer."""
    merchant = Merchant(WeChatPaySimulator(clock=clock, sub_mchid="1900000110"))
    body = {**SUPPLIER, "appid": "x", "sub_mchid": "1900000110", "relation_type": "SUPPLIER"}
    said = merchant.call("POST", f"{BASE}/receivers/add", body)
    assert said.fields["sub_mchid"] == "1900000110"
