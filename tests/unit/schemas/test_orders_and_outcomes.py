"""Orders are checked when made; outcomes unwrap or raise; forms are safe to show."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

import pytest

from payport.schemas import (
    ActionRequired,
    AppParameters,
    Authorized,
    Declined,
    Money,
    NotSent,
    NotSentCause,
    NotSentKind,
    Order,
    OutcomeError,
    PartnerId,
    PayoutOrder,
    Pending,
    PostForm,
    QrCode,
    RawNotification,
    Reason,
    Succeeded,
    Unknown,
    UnknownCause,
    UnknownKind,
    check_reference,
    is_portable,
)


class _Fields(TypedDict, total=False):
    ref: str
    amount: Money
    subject: str
    metadata: dict[str, str]
    notify_url: str | None
    return_url: str | None
    payable_until: datetime | None


def _order(**changed: Unpack[_Fields]) -> Order:
    fields: _Fields = {"ref": "SHOP10010001", "amount": Money(1, "CNY"), "subject": "Tea", **changed}
    return Order(**fields)


OF_ANOTHER_TYPE: dict[str, object] = {
    "ref": 10010001,
    "amount": "12.34",
    "subject": None,
    "payer": {"ip": "192.0.2.1"},
    "metadata": "basket",
    "notify_url": b"https://shop.example/notify",
    "return_url": 1,
    "payable_until": "2026-12-01T00:00:00Z",
    "capture": "manual",
    "complete": "automatic",
}


@pytest.mark.parametrize("name", OF_ANOTHER_TYPE)
def test_a_value_of_another_type_is_refused_by_name(name: str) -> None:
    """``complete="automatic"`` would else be taken for the other mode, and nobody would complete the payment."""
    wrong: Any = {name: OF_ANOTHER_TYPE[name]}
    with pytest.raises(TypeError, match=f"^{name} must be "):
        _order(**wrong)
    if name in ("ref", "amount", "subject"):
        with pytest.raises(TypeError, match=f"^{name} must be "):
            PayoutOrder(**{"ref": "SHOP10010001", "amount": Money(1, "CNY"), "subject": "Tea", **wrong})


def test_notes_that_are_no_text_are_refused() -> None:
    """They go to the partner as text; how to write a number is the merchant's choice."""
    notes: Any = {"basket": 4711}
    with pytest.raises(TypeError, match=r"metadata is text to text; write str\(\.\.\.\) around int"):
        _order(metadata=notes)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"body": "a=b"}, "body must be the bytes that were posted, got str: is a framework parsing or decoding"),
        ({"body": {"a": "b"}}, "body must be the bytes that were posted, got dict"),
        ({"query": b"a=b"}, "query must be the raw query string, got bytes"),
        ({"headers": None}, "headers must be a mapping of text to text, got NoneType"),
        ({"headers": [("a", "b")]}, "headers must be a mapping of text to text, got list"),
        ({"headers": {b"a": b"b"}}, "headers must be a mapping of text to text, got bytes"),
        ({"headers": {"a": ["b"]}}, "headers must be a mapping of text to text, got list"),
    ],
)
def test_a_notification_that_somebody_parsed_before_is_refused(wrong: Any, says: str) -> None:
    """No signature would hold over it: a mistake of the program, not of who posted."""
    with pytest.raises(TypeError, match=says):
        RawNotification(**{"body": b"a=b", "headers": {}, **wrong})


REFERENCES = ["", "a b", "SHOP-1001/1", "订单10010001", "a" * 65, "a\n", "SHOP10010001\n"]
NOTHING_OWED = [Money(0, "CNY"), Money(-1, "CNY")]
SUBJECTS = ["", "  ", "\n", "x" * 257]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        *((_Fields(ref=ref), "ref must be 1 to 64") for ref in REFERENCES),
        *((_Fields(amount=amount), "more than zero") for amount in NOTHING_OWED),
        *((_Fields(subject=subject), "subject must be 1 to 256") for subject in SUBJECTS),
        (_Fields(payable_until=datetime(2026, 1, 31)), "time zone"),  # noqa: DTZ001 - the missing zone is the point
        (_Fields(notify_url="shop.example/notify"), "notify_url must be an absolute"),
        (_Fields(return_url="javascript:alert(1)"), "return_url must be an absolute"),
        (_Fields(return_url=""), "return_url must be an absolute"),
        (_Fields(metadata={"k": "v" * 2_000}), "at most 2000 characters"),
    ],
)
def test_an_order_that_can_be_used_nowhere_is_refused(changed: _Fields, says: str) -> None:
    """The rule is named when the order is made, before anything is written or sent."""
    with pytest.raises(ValueError, match=says):
        _order(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        _Fields(ref="a"),
        _Fields(ref="SHOP_1001-0001"),
        _Fields(ref="a" * 64),
        _Fields(subject="x" * 256),
        _Fields(subject="龙井"),
        _Fields(metadata={"k": "v" * 1_999}),
        _Fields(notify_url="http://127.0.0.1:8000/notify", return_url="https://shop.example/back"),
        _Fields(payable_until=datetime.now(UTC) + timedelta(minutes=5)),
    ],
)
def test_an_order_at_the_edge_of_the_rules_is_taken(changed: _Fields) -> None:
    """The limits themselves are inside."""
    order = _order(**changed)
    assert changed == {name: getattr(order, name) for name in changed}


@pytest.mark.parametrize(
    ("ref", "amount", "subject", "says"),
    [
        ("a b", Money(1, "CNY"), "Wages", "ref must be"),
        ("A", Money(0, "CNY"), "Wages", "more than zero"),
        ("A", Money(1, "CNY"), " ", "subject must be"),
        ("A", Money(1, "CNY"), "x" * 257, "subject must be"),
    ],
)
def test_a_payout_that_can_be_used_nowhere_is_refused(ref: str, amount: Money, subject: str, says: str) -> None:
    """The same rules as for an order."""
    with pytest.raises(ValueError, match=says):
        PayoutOrder(ref=ref, amount=amount, subject=subject)


def test_an_orders_notes_cannot_be_changed_from_outside() -> None:
    """The mapping that was handed in is copied, and the copy cannot be written to, after pickle and copy either."""
    notes = {"a": "1"}
    order = _order(metadata=notes)
    notes["a"] = "2"
    for same in (order, pickle.loads(pickle.dumps(order)), copy.copy(order), copy.deepcopy(order)):
        assert same.metadata == {"a": "1"}
        with pytest.raises(TypeError):
            same.metadata["a"] = "3"  # type: ignore[index]  # the refusal at run time is the promise


@pytest.mark.parametrize(
    ("ref", "portable"),
    [("SHOP10010001", True), ("a" * 8, True), ("a" * 28, True), ("a" * 7, False), ("a" * 29, False),
     ("SHOP_10010001", False), ("SHOP10010001\n", False)],
)  # fmt: skip
def test_portable_references(ref: str, portable: bool) -> None:
    """8 to 28 letters and digits are taken by every partner."""
    assert portable is is_portable(ref)


def test_a_reference_is_checked_under_its_own_name() -> None:
    """The message says which reference is meant."""
    assert check_reference("R-1", "refund_ref") == "R-1"
    with pytest.raises(ValueError, match="refund_ref must be"):
        check_reference("R 1", "refund_ref")


def test_a_partners_number_is_no_reference() -> None:
    """It prints as itself and equals no text, so that it cannot pass for the merchant's reference."""
    assert str(PartnerId("pi_1")) == "pi_1"
    assert not isinstance(PartnerId("pi_1"), str)
    assert PartnerId("pi_1") == PartnerId("pi_1")
    assert PartnerId("pi_1") != "pi_1"  # type: ignore[comparison-overlap]  # mypy says so too


@pytest.mark.parametrize("outcome", [Succeeded("value"), Authorized("value")])
def test_success_unwraps_to_its_value(outcome: Succeeded[str] | Authorized[str]) -> None:
    """A script takes the value and goes on."""
    assert outcome.unwrap() == "value"


@pytest.mark.parametrize(
    "outcome",
    [
        ActionRequired(action=QrCode(text="x"), payable_until=datetime(2026, 1, 31, tzinfo=UTC)),
        Pending(operation="A/pay//1", ask_again_s=2.0),
        Declined(reason=Reason.CLOSED),
        NotSent(cause=NotSentCause(NotSentKind.TLS, "certificate expired")),
        Unknown(operation="A/pay//1", cause=UnknownCause(UnknownKind.TIMED_OUT, "no answer")),
    ],
)
def test_anything_else_raises_with_the_outcome_in_hand(
    outcome: ActionRequired | Pending | Declined | NotSent | Unknown,
) -> None:
    """The error holds the outcome, names it, and survives a process pool."""
    with pytest.raises(OutcomeError, match=f"not a success: {type(outcome).__name__}") as caught:
        outcome.unwrap()
    again = pickle.loads(pickle.dumps(caught.value))
    assert outcome == caught.value.outcome == again.outcome
    assert str(caught.value) == str(again)


def test_causes_print_as_one_line() -> None:
    """Kind first, then what happened."""
    assert str(NotSentCause(NotSentKind.TLS, "certificate expired")) == "tls: certificate expired"
    assert str(UnknownCause(UnknownKind.TIMED_OUT, "no answer")) == "timed_out: no answer"


def test_a_form_page_escapes_what_it_shows() -> None:
    """A subject or URL with markup in it stays text; the form still posts to the same place."""
    page = PostForm(url='https://pay.example/?a=1&b="2"', fields={"sub<ject": '"><script>x</script>'}).html()
    assert 'action="https://pay.example/?a=1&amp;b=&quot;2&quot;"' in page
    assert 'name="sub&lt;ject" value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"' in page
    assert 'accept-charset="utf-8"' in page
    assert page.count("<script>") == 1


def test_what_lets_somebody_go_on_with_a_payment_is_not_shown() -> None:
    """An app's parameters and a form's fields are for the payer's device: a printed outcome must not hand them out."""
    for action in (
        AppParameters(payload="pi_1_secret_x", fields={"client_secret": "pi_1_secret_x"}),
        PostForm(url="https://partner.example/pay", fields={"token": "pi_1_secret_x"}),
    ):
        outcome = ActionRequired(action=action, payable_until=datetime(2026, 11, 23, tzinfo=UTC))
        assert "pi_1_secret_x" not in repr(outcome)
