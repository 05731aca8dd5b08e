"""Notifications: decoded once, authentic, addressed to us, then read; and what is refused, with which answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.unionpay.answers import ABSENT, SILENCE, answered
from tests.wire.unionpay.stage import NOON, STAMP, UNTIL, Host, form, paid, signed, unionpay

from payport.adapters.unionpay.notices import ACCEPTED, REFUSED
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import State
from payport.sdk.message import SendFailure
from payport.sdk.observation import Observation, Source

AMOUNT = Money.of("12.34", "CNY")


def opened(body: bytes, *, query: str = "", host: Host | None = None) -> Opened | Rejected:
    """What becomes of a body."""
    raw = RawNotification(body=body, headers={}, query=query)
    return (host or Host()).run(unionpay().open_notice(raw))


def told(*answers: bytes | SendFailure, **changes: str) -> tuple[Opened, Observation]:
    """A genuine notice with these fields, and its one lesson. ``answers``: to questions about it."""
    host = Host([*answers])
    found = opened(form(signed({name: value for name, value in paid(**changes).items() if value})), host=host)
    assert host.answers == []
    assert isinstance(found, Opened)
    ((reference, observation),) = found.lessons
    assert reference == changes.get("orderId", "SHOP10010001T001")
    return found, observation


def test_a_payment() -> None:
    """Signed by UnionPay, about number, time and amount that the journal compares: it may settle the order."""
    found, lesson = told()
    assert (lesson.state, lesson.source) == (State.SUCCEEDED, Source.NOTICE)
    assert (lesson.amount, lesson.partner_ref) == (AMOUNT, "SHOP10010001T001")
    assert lesson.identity == {"txnTime": STAMP, "txnType": "01"}
    event = found.event
    assert (event.kind, event.status, event.amount) == (EventKind.PAYMENT, "00", AMOUNT)
    assert event.partner_id is not None
    assert event.partner_id.value == "512611231200000000001"
    assert found.acknowledgement == ACCEPTED


KINDS: dict[str, tuple[dict[str, str], EventKind, State, CancelledBy | None]] = {
    "hold": ({"txnType": "02"}, EventKind.AUTHORIZATION, State.AUTHORIZED, None),
    "capture": ({"txnType": "03", "txnSubType": "00"}, EventKind.PAYMENT, State.SUCCEEDED, None),
    "refund": ({"txnType": "04", "txnSubType": "00"}, EventKind.REFUND, State.SUCCEEDED, None),
    "refund by a cancel": (
        {"txnType": "04", "txnSubType": "00", "reqReserved": "cancel"},
        EventKind.REFUND,
        State.SUCCEEDED,
        CancelledBy.REVERSED,
    ),
    "undo": ({"txnType": "31", "txnSubType": "00"}, EventKind.REFUND, State.SUCCEEDED, CancelledBy.REVERSED),
    "release": ({"txnType": "32", "txnSubType": "00"}, EventKind.AUTHORIZATION, State.SUCCEEDED, CancelledBy.VOIDED),
    "undo of a capture": ({"txnType": "33", "txnSubType": "00"}, EventKind.REFUND, State.SUCCEEDED, None),
}


@pytest.mark.parametrize(("changes", "kind", "state", "by"), KINDS.values(), ids=KINDS)
def test_what_a_notice_is_about_stands_in_its_type(
    changes: dict[str, str], kind: EventKind, state: State, by: CancelledBy | None
) -> None:
    """Some SDKs take 04 and 31 for one another; a refund and an undo end different operations."""
    found, lesson = told(**changes)
    assert (found.event.kind, lesson.state, lesson.cancelled_by) == (kind, state, by)
    # a refund of the caller's can never be taken for a cancel: that one states no identity
    assert ("txnTime" in lesson.identity) is (by is None)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"respCode": "64"}, State.ACTION, Reason.INSUFFICIENT_FUNDS),
        ({"respCode": "64", "txnSubType": "06"}, State.DECLINED, Reason.INSUFFICIENT_FUNDS),
        ({"respCode": "35", "txnType": "04", "txnSubType": "00"}, State.DECLINED, Reason.INVALID_STATE),
        ({"respCode": "05", "txnSubType": "06"}, State.PENDING, None),
    ],
)
def test_notices_of_failures(changes: dict[str, str], state: State, reason: Reason | None) -> None:
    """Of a page it is not the end, of what the server sent it is."""
    _, lesson = told(**changes)
    assert (lesson.state, lesson.reason) == (state, reason)


PAGE = {"txnSubType": "01", "bizType": "000201"}


@pytest.mark.parametrize("code", ["A6", "00"])
def test_a_confirmed_defect_settles_and_is_flagged(code: str) -> None:
    """A6: UnionPay is asked, and says that it happened."""
    _, lesson = told(answered(code, **PAGE), respCode="A6")
    assert lesson.state is State.SUCCEEDED
    assert [fact.kind for fact in lesson.facts] == [FactKind.FLAGGED]


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        ABSENT,
        answered("64", **PAGE),
        answered("05", **PAGE),
        answered("A6", **PAGE, txnAmt="1"),
        answered("A6", **PAGE, queryId="512611231200000000009"),
        answered("A6", **PAGE, txnType="02"),
    ],
    ids=["silence", "absent", "refused", "working", "another amount", "another number", "another kind"],
)
def test_an_unconfirmed_defect_is_pending_and_flagged(answer: bytes | SendFailure) -> None:
    """Acknowledged all the same: ``resume`` goes on asking."""
    found, lesson = told(answer, respCode="A6")
    assert (lesson.state, lesson.cancelled_by) == (State.PENDING, None)
    assert [fact.kind for fact in lesson.facts] == [FactKind.FLAGGED]
    assert found.acknowledgement == ACCEPTED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"respCode": "Z9"}, UnknownKind.UNKNOWN_STATUS),
        ({"txnAmt": "x"}, UnknownKind.UNREADABLE),
        ({"currencyCode": "840"}, UnknownKind.MISMATCH),
        ({"respCode": ""}, UnknownKind.UNREADABLE),
        ({"txnType": "99", "txnSubType": "01"}, UnknownKind.UNKNOWN_STATUS),
    ],
)
def test_what_is_not_understood_is_kept_and_asked_about(changes: dict[str, str], kind: UnknownKind) -> None:
    """Acknowledged, so that it is not sent for ever; the order is left in doubt."""
    found, lesson = told(**changes)
    assert lesson.state is State.DOUBT
    assert lesson.unknown is not None
    assert lesson.unknown.kind is kind
    assert found.acknowledgement == ACCEPTED


def test_other_kinds_are_kept_without_a_lesson() -> None:
    """The opening of a card, a type that nobody knows, and one without a number."""
    for fields in (
        {"txnType": "79", "txnSubType": "00", "activateStatus": "1", "tokenPayData": "{token=62&trId=1}"},
        {"txnType": "77"},
        {"orderId": ""},
    ):
        whole = {name: value for name, value in paid(**fields).items() if value}
        found = opened(form(signed(whole)))
        assert isinstance(found, Opened)
        assert found.lessons == ()
    unread = opened(form(signed({name: value for name, value in paid(respCode="", orderId="").items() if value})))
    assert isinstance(unread, Opened)
    assert (unread.event.kind, unread.lessons) == (EventKind.OTHER, ())


REFUSALS: dict[str, tuple[Callable[[], bytes], RejectedKind]] = {
    "no form": (lambda: b"{}", RejectedKind.MALFORMED),
    "unsigned": (lambda: form(paid()), RejectedKind.UNSIGNED),
    "tampered": (lambda: form({**signed(paid()), "txnAmt": "1"}), RejectedKind.BAD_SIGNATURE),
    "another customer's signature": (lambda: form(signed(paid(), by="merchant")), RejectedKind.BAD_SIGNATURE),
    "carriage returns lost": (
        lambda: form({**signed(paid()), "signPubKeyCert": signed(paid())["signPubKeyCert"].replace("\r\n", "\n")}),
        RejectedKind.BAD_SIGNATURE,
    ),
    "a parameter more": (lambda: form({**signed(paid()), "shop": "7"}), RejectedKind.BAD_SIGNATURE),
    "an older version": (lambda: form(signed(paid(), version="5.0.0")), RejectedKind.BAD_SIGNATURE),
    "a weaker method": (lambda: form(signed(paid(), signMethod="11")), RejectedKind.BAD_SIGNATURE),
    "read in two ways": (lambda: form(signed(paid(reqReserved="x&respCode=00"))), RejectedKind.BAD_SIGNATURE),
    "another merchant's": (lambda: form(signed(paid(merId="777290058110002"))), RejectedKind.WRONG_ACCOUNT),
    "nobody's": (
        lambda: form(signed({name: value for name, value in paid().items() if name != "merId"})),
        RejectedKind.WRONG_ACCOUNT,
    ),
}


@pytest.mark.parametrize(("body", "kind"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused(body: Callable[[], bytes], kind: RejectedKind) -> None:
    """With an answer that makes UnionPay try again, up to five times."""
    host = Host()
    found = opened(body(), host=host)
    assert isinstance(found, Rejected)
    assert (found.kind, found.acknowledgement) == (kind, REFUSED)
    alarms = [event for event in host.events if isinstance(event, SignatureFailed)]
    assert bool(alarms) is (kind is RejectedKind.BAD_SIGNATURE)


def test_own_parameters_of_the_address_do_not_spoil_it() -> None:
    """A framework merged them into the form: with the query string they are known and taken out."""
    body = form({**signed(paid()), "shop": "7"})
    assert isinstance(opened(body), Rejected)
    assert isinstance(opened(body, query="shop=7"), Opened)


@pytest.mark.parametrize("name", ["merId", "txnType", "encoding"])
def test_an_address_may_carry_what_unionpay_signs_as_well(name: str) -> None:
    """Such as the merchant, to tell several apart: what was posted is not taken out because of it."""
    fields = signed(paid())
    found = opened(form(fields), query=f"{name}={fields[name]}")
    assert isinstance(found, Opened), found.detail


def test_an_expired_certificate_is_refused() -> None:
    """Notices carry no time that could be checked; the certificate in them does."""
    late = opened(form(signed(paid())), host=Host(at=UNTIL.replace(year=2041)))
    assert isinstance(late, Rejected)
    assert late.kind is RejectedKind.BAD_SIGNATURE
    assert isinstance(opened(form(signed(paid())), host=Host(at=NOON)), Opened)


def test_resends_are_one_event_and_different_ends_are_two() -> None:
    """Number, time, type, UnionPay's number and code tell events apart: nothing else does."""
    first, again = (told()[0].event.id for _ in range(2))
    assert first == again
    others = [
        told(SILENCE, respCode="A6")[0].event.id,
        told(txnType="31")[0].event.id,
        told(txnTime="20261123120001")[0].event.id,
        told(queryId="512611231200000000002")[0].event.id,
    ]
    assert len({first, *others}) == 5


def test_a_browser_carries_the_same() -> None:
    """What comes by ``frontUrl`` is signed alike and read alike: the journal compares, and an own question tells."""
    gbk = opened(form(signed(paid(encoding="GBK", respMsg="成功"), codec="gbk"), "gbk"))
    assert isinstance(gbk, Opened)
    assert gbk.lessons[0][1].state is State.SUCCEEDED


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(body: bytes) -> None:
    """Whatever a stranger posts is refused."""
    assert isinstance(opened(body), Rejected)


@given(st.dictionaries(st.sampled_from(sorted(paid())), st.text(max_size=6), max_size=4))
def test_no_signed_fields_crash_it(changes: dict[str, str]) -> None:
    """Whatever UnionPay itself might say one day is opened, or refused, and never more than one lesson."""
    try:
        body = form(signed(paid(**changes)))
    except UnicodeEncodeError:
        return  # half a character cannot be sent
    found = opened(body)
    assert isinstance(found, Rejected) or len(found.lessons) <= 1
