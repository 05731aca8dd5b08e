"""Small things that would cost money or a secret: day ends, addresses, tokens in a repr."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.wire.unionpay.answers import answered, ask, doubted, perform
from tests.wire.unionpay.operations import ORDER, SLOT
from tests.wire.unionpay.stage import NOON, SINCE, account, certificate, leaf, on_the_wire, root

from payport.adapters.unionpay.certificates import Chain, Signers
from payport.adapters.unionpay.endpoints import CardConsume, CardQuery, Customer, OpenCard, ScannedCode
from payport.adapters.unionpay.planning import plan_pay
from payport.schemas import HostedPage, QrScanned
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import InvalidIntent
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.records import State


@pytest.mark.parametrize("eve", ["22:52:00", "23:52:00"])
def test_nothing_frozen_on_one_day_is_sent_on_the_next(eve: str) -> None:
    """A try that hung until the day was over, or a prepared order: its ``txnTime`` is of the day before."""
    before = datetime.fromisoformat(f"2026-11-23T{eve}+08:00")
    step = plan_pay(account(), ORDER, QrScanned(auth_code="62200000"), replace(SLOT, now=before)).steps[0]
    told = perform(step=step, at=before + timedelta(minutes=8))
    assert told.state is State.NOT_SENT


def test_a_repeated_request_in_the_books_is_no_refusal() -> None:
    """12 as the end of what was asked about: a request of this number was received before, and may have been paid."""
    assert doubted(ask(answered("12"))) is UnknownKind.UNKNOWN_STATUS


@pytest.mark.parametrize(
    "url", ["https://shop.example/通知", "https://shop.example/\ud800", "https://shop.example/a b"]
)
def test_addresses_are_plain(url: str) -> None:
    """UnionPay takes ASCII; one that the account's encoding cannot carry would raise out of a later refund."""
    with pytest.raises(ConfigurationError):
        account(notify_url=url)
    for order in (replace(ORDER, notify_url=url), replace(ORDER, return_url=url)):
        with pytest.raises(InvalidIntent):
            plan_pay(account(encoding="GBK"), order, HostedPage(), SLOT)


def test_nothing_that_pays_is_shown() -> None:
    """The token of an opened card, and the code on the payer's phone."""
    token = "{token=6235000000000000001&trId=1}"
    number = "SHOP10010001T001"
    shown = [
        repr(OpenCard(order_id=number, token_pay_data=token)),
        repr(CardQuery(order_id=number, token_pay_data=token)),
        repr(CardConsume(order_id=number, txn_amt="1", token_pay_data=token)),
        repr(ScannedCode(order_id=number, txn_amt="1", qr_no="62350000000000001")),
    ]
    assert not [text for text in shown if "6235" in text]


@pytest.mark.parametrize("name", ["Li&certifId=1", "Li}", "{Li", "Li=1", "[Li"])
def test_a_name_brings_no_field_of_its_own(name: str) -> None:
    """What a payer typed stands in a group of fields, and must not write one."""
    with pytest.raises(ValueError, match=r"customer_nm|customerNm"):
        Customer(customer_nm=name)


def test_a_renewed_middle_certificate_takes_over() -> None:
    """What was believed by the old one is looked at again once that has ended, not refused until a restart."""
    ends = NOON + timedelta(days=1)
    old = certificate("middle", "root", of="middle", by="root", ca=True, days=(SINCE, ends))
    new = certificate("middle", "root", of="middle", by="root", ca=True, serial=2)
    signers = Signers([Chain(old, root()), Chain(new, root())], test=False)
    text = on_the_wire(leaf())
    assert not isinstance(signers.find(text, NOON), str)
    assert not isinstance(signers.find(text, ends + timedelta(days=1)), str)
    assert isinstance(signers.find(text, datetime(2041, 1, 1, tzinfo=UTC)), str)
