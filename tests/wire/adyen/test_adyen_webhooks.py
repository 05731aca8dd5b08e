"""Webhooks: every item of a batch is authentic and ours, or the whole batch is refused; then what each one teaches."""

from __future__ import annotations

import hmac
import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vectors import vectors
from tests.wire.adyen.words import (
    ACCOUNT,
    ADYEN,
    AMOUNT,
    ITEM,
    KEY,
    NOON,
    OLD_KEY,
    TRADE,
    Host,
    batch,
    opened,
    operation,
    signed,
)

from payport.adapters.adyen import Adyen, AdyenAccount
from payport.adapters.adyen.events import DISPUTED, EVENTS
from payport.adapters.adyen.notices import MAX_ITEMS
from payport.adapters.adyen.planning import AUTOMATIC, DIRECT, LINK_WAY, MANUAL, PSP, TAKE, WAY
from payport.adapters.adyen.signing import is_authentic, payload_of, sign
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.lattice import absorb, bind
from payport.sdk.secrets import Secret

SIGNED_FIELDS = (
    "pspReference",
    "originalReference",
    "merchantAccountCode",
    "merchantReference",
    "eventCode",
    "success",
)
NUMBER = "QFQTPCQ8HXSKGK82"
OTHER = {**ITEM, "pspReference": "ZFQTPCQ8HXSKGK83", "merchantReference": "SHOP10010002T001"}


def rejected(raw: RawNotification, adyen: Adyen = ADYEN) -> RejectedKind:
    told = opened(raw, adyen)
    assert isinstance(told, Rejected), told
    assert told.acknowledgement.status == 401
    return told.kind


def accepted(raw: RawNotification, adyen: Adyen = ADYEN) -> Opened:
    told = opened(raw, adyen)
    assert isinstance(told, Opened), told
    return told


def taught(item: dict[str, Any], known: Operation) -> Operation:
    """An operation once it has heard of an item, as the sdk applies lessons."""
    for reference, lesson in accepted(batch(signed(item))).lessons:
        if reference == known.partner_ref and lesson.concerns.items() <= known.identity.items():
            known = absorb(known, bind(known, lesson), NOON)
    return known


# authentic


def test_the_published_notifications_verify() -> None:
    """Adyen's own vectors: genuine ones with backslashes, colons and slashes in them verify without any escaping."""
    found = json.loads(vectors("adyen", "hmac_notification.json").read_text("utf-8"))
    assert found["official"]
    for each in found["official"]:
        message = payload_of(each["item"])
        assert message == each["signing_string"], each["name"]
        assert sign(message.encode(), each["hmac_key"]) == each["signature"], each["name"]
        assert is_authentic(message.encode(), each["signature"], [each["hmac_key"]])
        assert not is_authentic(message.encode() + b"x", each["signature"], [each["hmac_key"]])
    for each in found["signing_strings"]:
        assert payload_of(each["item"]) == each["signing_string"], each["name"]
    for each in found["raw"]:
        assert sign(each["data"].encode(), each["hmac_key"]) == each["signature"], each["name"]
    for each in found["derived"]:
        try:
            fits = is_authentic(payload_of(each["item"]).encode(), each["signature"], [each["hmac_key"]])
        except TypeError:  # JSON's own true, where the text was signed
            fits = False
        assert fits is (each["expect"] == "valid"), each["name"]


def test_the_published_payloads_verify() -> None:
    """Webhooks that are signed in a header, over the raw body."""
    found = json.loads(vectors("adyen", "hmac_payload.json").read_text("utf-8"))
    assert found["official"]
    for each in found["official"]:
        body = each["payload"].encode()
        assert sign(body, each["hmac_key"]) == each["signature"], each["name"]
        account = replace(ACCOUNT, hmac_keys=(Secret(each["hmac_key"]),))
        raw = RawNotification(body=body, headers={"HmacSignature": each["signature"]})
        assert isinstance(opened(raw, Adyen(account)), Opened), each["name"]
        assert rejected(replace(raw, body=body + b" "), Adyen(account)) is RejectedKind.BAD_SIGNATURE


def test_the_published_examples_are_all_known() -> None:
    """Every example, signed by us for its account, is opened with a known kind; unsigned it is refused."""
    examples = json.loads(vectors("adyen", "webhook_examples.json").read_text("utf-8"))["examples"]
    adyen = Adyen(replace(ACCOUNT, merchant_account="YOUR_MERCHANT_ACCOUNT"))
    seen = 0
    for name, example in examples.items():
        if "notificationItems" not in example:
            body = json.dumps(example).encode()
            assert rejected(RawNotification(body=body, headers={}), adyen) is RejectedKind.UNSIGNED
            told = accepted(RawNotification(body=body, headers={"hmacsignature": sign(body, KEY)}), adyen)
            assert told.event.kind is EventKind.OTHER
            continue
        items = [each["NotificationRequestItem"] for each in example["notificationItems"]]
        told = accepted(batch(*map(signed, items)), adyen)
        code = items[0]["eventCode"]
        assert code in EVENTS, name
        assert told.event.kind is EVENTS[code]
        assert (told.event.status, told.event.partner_id is not None) == (f"{code} {items[0]['success']}", True)
        assert rejected(batch(*items), adyen) in (RejectedKind.UNSIGNED, RejectedKind.BAD_SIGNATURE)
        seen += 1
    assert seen >= 35


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("field", SIGNED_FIELDS)
def test_pain_only_the_first_item_was_checked(bad: int, field: str) -> None:
    """Adyen's own Python library verifies item 0 alone: here one item that was changed refuses the whole batch."""
    items = [signed(ITEM), signed(OTHER), signed({**ITEM, "pspReference": "XFQTPCQ8HXSKGK84"})]
    assert len(accepted(batch(*items)).lessons) == 6
    items[bad][field] = "true " if field == "success" else "FORGED"
    assert rejected(batch(*items)) is RejectedKind.BAD_SIGNATURE


@pytest.mark.parametrize("change", [{"value": 1}, {"currency": "USD"}])
def test_another_amount_is_refused(change: dict[str, Any]) -> None:
    """Both halves of it are signed."""
    item = signed(ITEM)
    item["amount"] = {**item["amount"], **change}
    assert rejected(batch(signed(OTHER), item)) is RejectedKind.BAD_SIGNATURE


def test_pain_an_unsigned_notification_was_none_instead_of_refused() -> None:
    """Without a signature, with an empty one, in any item: refused."""
    additions: list[object] = [{}, {"hmacSignature": ""}, {"hmacSignature": 1}, None, []]
    unsigned: list[dict[str, Any]] = [ITEM, *({**ITEM, "additionalData": each} for each in additions)]
    for item in unsigned:
        assert rejected(batch(item)) is RejectedKind.UNSIGNED
        assert rejected(batch(signed(OTHER), item)) is RejectedKind.UNSIGNED


def test_pain_signatures_were_compared_in_variable_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is compared, each by the one comparison that takes constant time."""
    compared: list[bytes] = []
    genuine = hmac.compare_digest

    def compare(told: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return genuine(told, expected)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert isinstance(opened(batch(signed(ITEM))), Opened)
    assert len(compared) == len(ACCOUNT.hmac_keys)


def test_the_callers_notification_is_left_as_it_is() -> None:
    """The signature is not taken out of anybody's dictionary."""
    item = signed(ITEM)
    before = deepcopy(item)
    payload_of(item)
    assert item == before


def test_keys_are_rotated_without_a_gap() -> None:
    """Both keys may sign; one that was taken out may not."""
    for key in (KEY, OLD_KEY):
        assert isinstance(opened(batch(signed(ITEM, key))), Opened)
    after = Adyen(replace(ACCOUNT, hmac_keys=(Secret(KEY),)))
    assert rejected(batch(signed(ITEM, OLD_KEY)), after) is RejectedKind.BAD_SIGNATURE


def test_without_a_key_nothing_is_believed() -> None:
    """It is told, too."""
    host = Host()
    told = host.run(Adyen(replace(ACCOUNT, hmac_keys=())).open_notice(batch(signed(ITEM))))
    assert isinstance(told, Rejected)
    assert told.kind is RejectedKind.BAD_SIGNATURE
    assert any(isinstance(event, SignatureFailed) for event in host.told)


@pytest.mark.parametrize("live", ["true", "True", "", None, True, 1])
def test_the_environment_is_compared(live: object) -> None:
    """It is not signed, so it proves nothing; the wrong one is refused."""
    assert rejected(batch(signed(ITEM), live=live)) is RejectedKind.WRONG_ACCOUNT


def test_another_merchant_account_is_refused_wherever_it_stands_in_the_batch() -> None:
    """Genuinely signed, because keys may be shared."""
    foreign = signed({**ITEM, "merchantAccountCode": "SomebodyECOM"})
    for items in ([foreign], [signed(ITEM), foreign], [foreign, signed(ITEM)]):
        assert rejected(batch(*items)) is RejectedKind.WRONG_ACCOUNT


def test_text_cannot_be_moved_between_fields() -> None:
    """Colons are not escaped: the same signed text cut elsewhere does not get past the account and the numbers."""
    genuine = signed({**ITEM, "merchantReference": f"ShopECOM:{TRADE}"})
    first = {**genuine, "originalReference": ":ShopECOM", "merchantReference": TRADE}
    second = {**genuine, "pspReference": f"{NUMBER}:", "originalReference": "ShopECOM", "merchantReference": TRADE}
    for moved in (first, second):
        assert payload_of(moved) == payload_of(genuine)  # so the signature alone would let it pass
        assert rejected(batch(moved)) is RejectedKind.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"live":"false"}',
        b'{"live":"false","notificationItems":[]}',
        b'{"live":"false","notificationItems":[{}]}',
        b'{"live":"false","live":"true","notificationItems":[]}',
        b'{"live":"false","notificationItems":{"NotificationRequestItem":{}}}',
    ],
)
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    """As malformed or unsigned, never a crash."""
    assert rejected(RawNotification(body=body, headers={})) in (RejectedKind.MALFORMED, RejectedKind.UNSIGNED)


@pytest.mark.parametrize("success", [True, 1.5, {"a": 1}])
def test_a_signed_field_of_another_type_is_malformed(success: object) -> None:
    """JSON's own true is not the text that was signed."""
    item = signed(ITEM)
    item["success"] = success
    assert rejected(batch(item)) is RejectedKind.MALFORMED


def test_a_batch_has_an_end() -> None:
    """Nobody posts ten thousand."""
    assert rejected(batch(*[signed(ITEM)] * (MAX_ITEMS + 1))) is RejectedKind.MALFORMED


# read


def test_what_is_accepted_is_acknowledged_as_adyen_wants_it() -> None:
    """Status and body, so that the old contract and the new one are both met."""
    told = accepted(batch(signed(ITEM))).acknowledgement
    assert (told.status, told.body) == (200, b"[accepted]")


def test_an_events_number_is_stable_over_resends() -> None:
    """By another key, with other unsigned fields: the same event. A refusal and a success are two."""
    first = accepted(batch(signed(ITEM))).event.id
    again = accepted(batch(signed({**ITEM, "reason": "x", "eventDate": "2026-02-01T00:00:00Z"}, OLD_KEY))).event.id
    assert first == again
    assert first != accepted(batch(signed({**ITEM, "success": "false"}))).event.id
    assert first != accepted(batch(signed(ITEM), signed(OTHER))).event.id


def test_one_webhook_teaches_several_operations() -> None:
    """Each item its own."""
    told = accepted(batch(signed(ITEM), signed(OTHER)))
    assert {reference for reference, _ in told.lessons} == {TRADE, "SHOP10010002T001"}


PAY = operation(state=State.PENDING)
HOLD = operation(state=State.PENDING, identity={WAY: DIRECT, TAKE: MANUAL})
PAGE = operation(state=State.ACTION, identity={WAY: LINK_WAY, TAKE: AUTOMATIC})
CAPTURE = operation(Verb.CAPTURE, state=State.PENDING, identity={PSP: "9913140798220028"})
REFUND = operation(Verb.REFUND, state=State.PENDING, identity={PSP: "9913140798220028"})
CANCEL = operation(Verb.CANCEL, state=State.PENDING, identity={"if_paid": "refuse"})
PAID = replace(PAY, state=State.SUCCEEDED)
HELD = replace(HOLD, state=State.AUTHORIZED)
DONE_REFUND = replace(REFUND, state=State.SUCCEEDED)
DONE_CAPTURE = replace(CAPTURE, state=State.SUCCEEDED)


@pytest.mark.parametrize(
    ("expected", "code", "success", "known"),
    [
        (State.SUCCEEDED, "AUTHORISATION", "true", PAY),
        (State.AUTHORIZED, "AUTHORISATION", "true", HOLD),
        (State.SUCCEEDED, "AUTHORISATION", "true", PAGE),
        (State.DECLINED, "AUTHORISATION", "false", PAY),
        (State.ACTION, "AUTHORISATION", "false", PAGE),
        (State.SUCCEEDED, "CAPTURE", "true", CAPTURE),
        (State.DECLINED, "CAPTURE", "false", CAPTURE),
        (State.PENDING, "CAPTURE", "true", PAY),
        (State.SUCCEEDED, "REFUND", "true", REFUND),
        (State.SUCCEEDED, "REFUND_WITH_DATA", "true", REFUND),
        (State.DECLINED, "REFUND", "false", REFUND),
        (State.DECLINED, "REFUND_FAILED", "true", REFUND),
        (State.SUCCEEDED, "REFUND_FAILED", "true", DONE_REFUND),
        (State.SUCCEEDED, "CAPTURE_FAILED", "true", PAID),
        (State.SUCCEEDED, "CANCELLATION", "true", CANCEL),
        (State.DECLINED, "CANCELLATION", "false", CANCEL),
        (State.SUCCEEDED, "CANCEL_OR_REFUND", "true", CANCEL),
        (State.SUCCEEDED, "TECHNICAL_CANCEL", "true", CANCEL),
        (State.DECLINED, "TECHNICAL_CANCEL", "true", PAY),
        (State.DECLINED, "TECHNICAL_CANCEL", "false", CANCEL),
        (State.PENDING, "TECHNICAL_CANCEL", "false", PAY),
        (State.DECLINED, "OFFER_CLOSED", "true", PAY),
        (State.ACTION, "OFFER_CLOSED", "true", PAGE),
        (State.AUTHORIZED, "EXPIRE", "true", HELD),
        (State.PENDING, "NEVER_HEARD_OF", "true", PAY),
    ],
)
def test_what_an_event_means_for_an_operation(expected: State, code: str, success: str, known: Operation) -> None:
    """By the kind of operation that has the reference."""
    item = {**ITEM, "eventCode": code, "success": success, "originalReference": "9913140798220028"}
    assert taught(item, known).state is expected


@pytest.mark.parametrize(
    ("expected", "code", "known"),
    [
        (FactKind.REFUND_BOUNCED, "REFUND_FAILED", DONE_REFUND),
        (FactKind.REFUND_BOUNCED, "REFUNDED_REVERSED", DONE_REFUND),
        (FactKind.CAPTURE_REVERSED, "CAPTURE_FAILED", PAID),
        (FactKind.CAPTURE_REVERSED, "CAPTURE_FAILED", DONE_CAPTURE),
        (FactKind.RELEASED, "EXPIRE", HELD),
        *((FactKind.DISPUTED, code, PAID) for code in sorted(DISPUTED)),
    ],
)
def test_what_happens_later_is_a_fact(expected: FactKind, code: str, known: Operation) -> None:
    """Beside an answer that stays."""
    item = {**ITEM, "eventCode": code, "originalReference": "9913140798220028"}
    after = taught(item, known)
    assert (after.state, [fact.kind for fact in after.facts]) == (known.state, [expected])


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (CancelledBy.VOIDED, "CANCELLATION"),
        (CancelledBy.REVERSED, "CANCEL_OR_REFUND"),
        (CancelledBy.CLOSED, "TECHNICAL_CANCEL"),
    ],
)
def test_a_cancel_says_how(by: CancelledBy, code: str) -> None:
    """By the event that concludes it."""
    assert taught({**ITEM, "eventCode": code}, CANCEL).cancelled_by is by


def test_a_modification_of_another_payment_teaches_nothing() -> None:
    """Even under our reference."""
    item = {**ITEM, "eventCode": "REFUND", "originalReference": "SOMEOTHERPAYMENT"}
    assert taught(item, REFUND) == REFUND


def test_the_wrong_amount_teaches_nothing() -> None:
    """A mismatch, told as one."""
    after = taught({**ITEM, "amount": {"currency": "EUR", "value": 1}}, PAY)
    assert after.state is State.PENDING
    assert after.unknown is not None
    assert after.unknown.kind is UnknownKind.MISMATCH


def test_pain_an_event_code_that_nobody_has_heard_of_is_kept() -> None:
    """New codes come every month: kept as OTHER, acknowledged, no crash."""
    told = accepted(batch(signed({**ITEM, "eventCode": "BRAND_NEW", "extra": {"a": [1]}})))
    assert (told.event.kind, told.lessons) == (EventKind.OTHER, ())
    assert told.acknowledgement.status == 200


def test_a_payment_that_adyen_does_not_know_is_no_fence() -> None:
    """It is noted when Adyen said so, and the cancel goes on."""
    item = {**ITEM, "eventCode": "TECHNICAL_CANCEL", "success": "false", "reason": "Original payment not found"}
    for known in (CANCEL, PAY):
        after = taught(item, known)
        assert after.state is State.PENDING
        assert list(after.ids) == [f"absent.{NUMBER}"]
        assert after.ids[f"absent.{NUMBER}"] == NOON.isoformat()


def test_an_absence_cannot_be_dated_into_the_future() -> None:
    """The date is not signed."""
    item = {**ITEM, "eventCode": "TECHNICAL_CANCEL", "success": "false", "reason": "not found"}
    late = (NOON + timedelta(days=9)).isoformat()
    assert taught({**item, "eventDate": late}, CANCEL).ids[f"absent.{NUMBER}"] == NOON.isoformat()


@given(st.sampled_from(sorted(ITEM)), st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers()))
def test_any_field_may_hold_anything(name: str, value: object) -> None:
    """Opened or refused, never a crash; and authentic all the same."""
    item = {**ITEM, name: value}
    try:
        raw = batch(signed(item))
    except (TypeError, UnicodeEncodeError):
        return
    assert isinstance(opened(raw), Opened | Rejected)


# of the platform


def test_a_platform_event_is_signed_in_its_header() -> None:
    """Over the raw body, by any spelling of the header's name; of the other environment it is refused."""
    node = {"type": "balancePlatform.transfer.updated", "environment": "test", "data": {"id": "1"}}
    body = json.dumps(node).encode()
    for name in ("HmacSignature", "hmacsignature"):
        told = accepted(RawNotification(body=body, headers={name: sign(body, OLD_KEY)}))
        assert (told.event.kind, told.lessons) == (EventKind.PAYOUT, ())
    assert rejected(RawNotification(body=body, headers={})) is RejectedKind.UNSIGNED
    assert rejected(RawNotification(body=body, headers={"HmacSignature": "x"})) is RejectedKind.BAD_SIGNATURE
    live = json.dumps({**node, "environment": "live"}).encode()
    raw = RawNotification(body=live, headers={"HmacSignature": sign(live, KEY)})
    assert rejected(raw) is RejectedKind.WRONG_ACCOUNT


def test_a_header_does_not_stand_in_for_signed_items() -> None:
    """A standard webhook is verified by its items, whatever its headers say."""
    raw = batch(ITEM)
    raw = replace(raw, headers={"HmacSignature": sign(raw.body, KEY)})
    assert rejected(raw) is RejectedKind.UNSIGNED


def test_an_account_of_another_merchant_is_another_account() -> None:
    """The account in the journal names whose money it is, and in which environment."""
    live = AdyenAccount(merchant_account="ShopECOM", api_key=ACCOUNT.api_key, live_prefix="1797a841fbb37ca7-AdyenDemo")
    assert (ADYEN.account, Adyen(live).account) == ("adyen:ShopECOM:test", "adyen:ShopECOM:live")
    assert operation().amount == AMOUNT
