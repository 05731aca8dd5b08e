"""What a success must say before it is believed: of which transaction, of which type, of how much, for whom."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.wire.unionpay.answers import answered, ask, doubted, said
from tests.wire.unionpay.operations import CANCEL_SLOT, HOLD, SCANNED, cancel, payment, succeeded
from tests.wire.unionpay.stage import NOON, Host, account, form, leaf, middle, paid, root, signed, unionpay

from payport.adapters.unionpay import UnionPay
from payport.adapters.unionpay.account import SubMerchant
from payport.adapters.unionpay.certificates import Chain, Signers
from payport.adapters.unionpay.planning import plan_cancel
from payport.schemas.events import RawNotification, Rejected, RejectedKind
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Opened
from payport.sdk.journal.records import State
from payport.sdk.lattice import bind

PLATFORM = SubMerchant(sub_mer_id="SUB0001", sub_mer_name="Tea House", sub_mer_abbr="Tea")


@pytest.mark.parametrize("missing", ["txnAmt", "txnType"])
def test_a_success_without_its_amount_or_type_is_none(missing: str) -> None:
    """Nothing could be compared: a hold would be told as paid, another amount as the whole."""
    assert doubted(ask(answered("00", **{missing: ""}))) is UnknownKind.UNREADABLE
    told = ask(answered("00", **{"txnType": "02", "txnSubType": "01", missing: ""}), of=payment(identity=HOLD))
    assert doubted(told) is UnknownKind.UNREADABLE


def test_an_undo_of_another_amount_ends_no_cancel() -> None:
    """The whole was to be given back; the answer speaks of less."""
    plan = plan_cancel(account(), succeeded(), CANCEL_SLOT, reverse_paid=True)
    answer = said(orderId="SHOP10010001X001", txnType="31", txnSubType="00", origRespCode="00", txnAmt="1")
    told = Host([answer]).run(unionpay().perform(cancel(plan, may_have_left=True), plan.steps[0], 10.0))
    assert doubted(told) is UnknownKind.MISMATCH


@pytest.mark.parametrize("code", ["00", "01"])
@pytest.mark.parametrize(("kind", "reserved"), [("31", ""), ("32", ""), ("04", "cancel")])
def test_a_notice_of_an_undo_says_nothing_of_a_payment(kind: str, reserved: str, code: str) -> None:
    """Another till gave an undo the number that is a payment here: number alone is no identity at UnionPay."""
    fields = paid(txnType=kind, txnSubType="00", txnTime="20261124090000", respCode=code)
    if reserved:
        fields["reqReserved"] = reserved
    opened = Host().run(unionpay().open_notice(RawNotification(headers={}, body=form(signed(fields)))))
    assert isinstance(opened, Opened)
    ((_, told),) = opened.lessons
    bound = bind(payment(identity=SCANNED), told)
    assert (bound.state, doubted(bound)) == (State.DOUBT, UnknownKind.MISMATCH)


def test_a_notice_for_another_sub_merchant_is_not_ours() -> None:
    """A platform's merchants share its number: whose payment it is stands in ``subMerId``."""
    platform = UnionPay(account(acting_as=PLATFORM))
    for told, refused in (("SUB0002", True), ("SUB0001", False), ("", False)):
        fields = signed(paid(**({"subMerId": told} if told else {})))
        opened = Host().run(platform.open_notice(RawNotification(headers={}, body=form(fields))))
        assert isinstance(opened, Rejected) is refused
        if isinstance(opened, Rejected):
            assert opened.kind is RejectedKind.WRONG_ACCOUNT
    alone = Host().run(unionpay().open_notice(RawNotification(headers={}, body=form(signed(paid(subMerId="SUB0001"))))))
    assert isinstance(alone, Rejected)


def test_an_answer_about_another_sub_merchant_is_a_mismatch() -> None:
    """The same of replies."""
    platform = UnionPay(account(acting_as=PLATFORM))
    told = Host([answered("00", subMerId="SUB0002")]).run(platform.ask(payment(identity=SCANNED), 10.0))
    assert doubted(told) is UnknownKind.MISMATCH


def test_sub_merchants_have_books_of_their_own() -> None:
    """The journal keeps them apart: one cannot refund, or be told of, what was paid to another."""
    assert UnionPay(account(acting_as=PLATFORM)).account == f"{unionpay().account}/SUB0001"


def test_a_certificate_of_no_known_version_is_refused() -> None:
    """The library raises an error of its own for it, which is no ValueError."""
    der = leaf().public_bytes(Encoding.DER)
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"), 1)
    refusal = Signers([Chain(middle(), root())], test=False).find(base64.b64encode(odd).decode(), NOON)
    assert isinstance(refusal, str)
    assert "not an X.509" in refusal


@pytest.mark.parametrize(
    "url", ["https://gateway.95516.com:443/gateway/api/", "https://gateway.95516.com/jiaofei/api/"]
)
def test_production_is_production_however_it_is_spelt(url: str) -> None:
    """Only the test environment's certificates may go by their older name."""
    assert not account(gateway_url=url).sandbox
