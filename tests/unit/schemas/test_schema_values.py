"""Every value of the schemas: frozen, picklable, silent about people and secrets, and the same after JSON."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import cast

import pytest

import payport.schemas
from payport.schemas import (
    Acknowledgement,
    Action,
    ActionRequired,
    AppParameters,
    Authorization,
    Authorized,
    Bic,
    Cancellation,
    CancelledBy,
    CancelOutcome,
    Capture,
    CaptureMode,
    CaptureOutcome,
    CardNumber,
    Change,
    Cnaps,
    CompletionMode,
    Declined,
    Event,
    EventKind,
    Fact,
    FactKind,
    FieldClass,
    HostedPage,
    Iban,
    InApp,
    Lei,
    MiniProgram,
    MobileWeb,
    Money,
    NotSent,
    NotSentCause,
    NotSentKind,
    Order,
    PartnerId,
    Payer,
    Payment,
    Payout,
    PayOutcome,
    PayoutOrder,
    PayoutOutcome,
    Pending,
    PortableMethod,
    PostForm,
    QrCode,
    QrScanned,
    QrShown,
    RawNotification,
    Reason,
    Received,
    Redirect,
    Refund,
    RefundOutcome,
    Rejected,
    RejectedKind,
    ResidentId,
    Retriable,
    Succeeded,
    Unknown,
    UnknownCause,
    UnknownKind,
    Uscc,
    Verified,
    field_classes,
    from_json,
    json_schema,
    masked,
    to_json,
)
from payport.schemas.encoding import dump, load

AT = datetime(2026, 1, 31, 20, 15, 30, 123456, timezone(timedelta(hours=8)))
CNY = Money.of("12.34", "CNY")
ID = PartnerId("2026013122001400000000000001")
FACT = Fact(kind=FactKind.REFUNDED, at=AT, amount=Money(1, "CNY"), partner_id=ID, detail="一分")
PAYMENT: Payment[None] = Payment(
    ref="SHOP10010001",
    amount=CNY,
    partner="alipay",
    account="alipay:2021000000000000",
    partner_ref="SHOP10010001",
    partner_id=ID,
    paid_at=AT,
    facts=(FACT, Fact(kind=FactKind.DISPUTED, at=AT)),
)
HOLD: Authorization[None] = Authorization(
    ref="A", amount=CNY, partner="p", account="p:1", partner_ref="A", partner_id=None, authorized_at=None
)
TAKEN: Capture[None] = Capture(
    ref="A", amount=CNY, partner="p", account="p:1", partner_ref="A", partner_id=ID, captured_at=AT
)
REFUND: Refund[None] = Refund(
    ref="A", refund_ref="R", amount=CNY, partner="p", account="p:1", partner_ref="R", partner_id=ID, refunded_at=AT
)
PAYOUT: Payout[None] = Payout(
    ref="A", amount=CNY, partner="p", account="p:1", partner_ref="A", partner_id=ID, paid_at=AT, facts=(FACT,)
)
CANCELLATION: Cancellation[None] = Cancellation(ref="A", by=CancelledBy.REVERSED, cancelled_at=AT)
ACKNOWLEDGEMENT = Acknowledgement(status=200, content_type="text/plain", body=b"succ\xffess")
EVENT = Event(
    kind=EventKind.PAYMENT,
    id="e1",
    partner_ref="SHOP10010001",
    partner_id=ID,
    status="TRADE_SUCCESS",
    amount=CNY,
    occurred_at=AT,
)
ORDER = Order(
    ref="SHOP10010001",
    amount=CNY,
    subject="龙井 \u2028 \x00 </script>",
    payer=Payer(id="2088000000000001", ip="203.0.113.7", email="li@example.com", name="李雷"),
    metadata={"type": "tea", "payport": "1"},
    notify_url="https://shop.example/notify",
    return_url="https://shop.example/back",
    payable_until=AT,
    capture=CaptureMode.MANUAL,
    complete=CompletionMode.AUTOMATIC,
)

VALUES: list[tuple[object, object]] = [
    (CNY, Money),
    (ID, PartnerId),
    (ORDER, Order),
    (Order(ref="A", amount=CNY, subject="Tea"), Order),
    (PayoutOrder(ref="A", amount=CNY, subject="Wages", remark="一月"), PayoutOrder),
    (ORDER.payer, Payer),
    *((method, PortableMethod) for method in (
        HostedPage(), MobileWeb(), MobileWeb(quit_url="https://shop.example"), QrShown(), QrScanned(auth_code="28" * 9),
        InApp(), MiniProgram(),
    )),
    *((action, Action) for action in (
        Redirect(url="https://pay.example"),
        PostForm(url="https://pay.example", fields={"a": "1", "type": "x"}),
        QrCode(text="https://qr.example/1"),
        AppParameters(payload="a=1&sign=x", fields={}),
    )),
    (FACT, Fact),
    (PAYMENT, Payment[None]),
    (PAYMENT, Payment),
    (HOLD, Authorization[None]),
    (TAKEN, Capture[None]),
    (REFUND, Refund[None]),
    (PAYOUT, Payout[None]),
    (CANCELLATION, Cancellation[None]),
    (Succeeded(PAYMENT), Succeeded[Payment[None]]),
    *((outcome, PayOutcome) for outcome in (
        Succeeded(PAYMENT),
        Authorized(HOLD),
        ActionRequired(action=QrCode(text="x"), payable_until=AT, last_refusal=Reason.INSUFFICIENT_FUNDS),
        ActionRequired(action=Redirect(url="x"), payable_until=AT),
        Pending(operation="A/pay//1", ask_again_s=2.5),
        Declined(reason=Reason.OTHER, partner_code="ACQ.NEW", message="新"),
        NotSent(cause=NotSentCause(NotSentKind.RATE_LIMITED, "slow down", retry_after_s=3.0)),
        Unknown(operation="A/pay//1", cause=UnknownCause(UnknownKind.TIMED_OUT, "no answer in 15 s")),
    )),
    (Succeeded(TAKEN), CaptureOutcome),
    (Succeeded(CANCELLATION), CancelOutcome),
    (Succeeded(REFUND), RefundOutcome),
    (Succeeded(PAYOUT), PayoutOutcome),
    (Declined(reason=Reason.CLOSED), Retriable),
    (NotSentCause(NotSentKind.TLS, "x"), NotSentCause),
    (RawNotification(body=b"\x00\xff", headers={"a": "b"}, query="c=d"), RawNotification),
    (EVENT, Event),
    (ACKNOWLEDGEMENT, Acknowledgement),
    (Verified(event=EVENT, acknowledgement=ACKNOWLEDGEMENT, first_seen=True), Received),
    (Verified(event=EVENT, acknowledgement=ACKNOWLEDGEMENT, first_seen=False), Verified[Event]),
    (Rejected(kind=RejectedKind.STALE, detail="a year old", acknowledgement=ACKNOWLEDGEMENT), Received),
    (
        Change(
            id=7,
            ref="A",
            operation="A/pay//1",
            kind="state",
            state="succeeded",
            at=AT,
            detail={"n": [1, 2.5, None, True, {"deep": "x"}]},
        ),
        Change,
    ),
    (CardNumber("4000000000000002"), CardNumber),
    (Iban("GB82WEST12345698765432"), Iban),
    (Bic("AAAADEFF"), Bic),
    (Lei("00000000000000000A68"), Lei),
    (Uscc("91350100M000100Y43"), Uscc),
    (ResidentId("110101199003070011"), ResidentId),
    (Cnaps("102100000005"), Cnaps),
]  # fmt: skip

each = pytest.mark.parametrize(("value", "kind"), VALUES, ids=[type(value).__name__ for value, _ in VALUES])


@each
def test_the_same_after_json(value: object, kind: object) -> None:
    """Law: ``from_json(to_json(value), kind) == value``, and writing it again gives the same text."""
    text = to_json(value)
    again = from_json(text, kind)
    assert value == again
    assert type(value) is type(again)
    assert text == to_json(again)
    assert text.isascii()
    assert value == load(dump(value), kind)


@each
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_the_same_after_pickle(value: object, kind: object, protocol: int) -> None:
    """Law: every value goes through a queue or another process unchanged."""
    assert value == pickle.loads(pickle.dumps(value, protocol))


@each
def test_frozen(value: object, kind: object) -> None:
    """No field can be set or deleted, and there is no room for another."""
    assert is_dataclass(value)
    names = [item.name for item in fields(value)]
    for name in names:
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
        with pytest.raises(FrozenInstanceError):
            delattr(value, name)
    assert not hasattr(value, "__dict__")


@each
def test_the_json_is_what_the_schema_says(value: object, kind: object) -> None:
    """The exported schema admits the text, and not the text with another version, field or class name."""
    schema = json_schema(kind)
    text = cast("dict[str, object]", json.loads(to_json(value)))
    content = cast("dict[str, object]", text["value"])
    assert _admits(schema, text)
    assert not _admits(schema, {**text, "payport": "0"})
    assert not _admits(schema, {"payport": "1"})
    if isinstance(content, dict):
        assert not _admits(schema, {**text, "value": {**content, "more": 1}})
        assert not _admits(schema, {**text, "value": {**content, "type": "Nothing"}})


def _admits(schema: Mapping[str, object], value: object) -> bool:
    """A judge of the part of JSON Schema that the export uses, written from the standard, not from the reader."""
    if "const" in schema:
        return value == schema["const"]
    if "enum" in schema:
        return value in cast("list[object]", schema["enum"])
    if "oneOf" in schema:
        return sum(_admits(option, value) for option in cast("list[dict[str, object]]", schema["oneOf"])) == 1
    match schema.get("type"):
        case "object":
            content = cast("dict[str, object]", value)
            properties = cast("dict[str, dict[str, object]]", schema.get("properties", {}))
            rest = cast("dict[str, object] | bool", schema.get("additionalProperties", True))
            return (
                isinstance(value, dict)
                and content.keys() >= set(cast("list[str]", schema.get("required", [])))
                and all(_admits(properties[name], content[name]) for name in properties.keys() & content.keys())
                and all(
                    rest if isinstance(rest, bool) else _admits(rest, content[name])
                    for name in content.keys() - properties.keys()
                )
            )
        case "array":
            items = cast("dict[str, object]", schema["items"])
            return isinstance(value, list) and all(_admits(items, item) for item in cast("list[object]", value))
        case None:
            assert not schema, "a keyword that this judge does not know"
            return True
        case name:
            kinds: dict[object, tuple[type, ...]] = {
                "string": (str,), "integer": (int,), "boolean": (bool,), "null": (type(None),), "number": (int, float),
            }  # fmt: skip
            return isinstance(value, kinds[name]) and (name == "boolean" or not isinstance(value, bool))


def test_a_schema_belongs_to_its_caller() -> None:
    """Changing an exported schema changes nothing here."""
    cast("dict[str, object]", json_schema(Money)["properties"]).clear()
    assert "value" in cast("dict[str, object]", json_schema(Money)["properties"])


def test_the_written_form() -> None:
    """The form is a promise: stored texts must stay readable."""
    assert to_json(FACT) == (
        '{"payport":"1","value":{"type":"Fact","kind":"refunded","at":"2026-01-31T12:15:30.123456Z","amount":'
        '{"type":"Money","amount_minor":1,"currency":"CNY"},"partner_id":"2026013122001400000000000001",'
        '"detail":"\\u4e00\\u5206"}}'
    )


def test_a_partners_own_record_stays_out_of_the_json() -> None:
    """``native`` is the adapter's, perhaps with fields of people: written as null, whatever it is."""
    paid: Payment[object] = Payment(
        ref="A", amount=CNY, partner="p", account="p:1", partner_ref="A", partner_id=None, paid_at=None, native=object()
    )
    again = from_json(to_json(paid), Payment[object])
    assert again.native is None
    assert paid.amount == again.amount


@each
def test_repr_shows_no_person_and_no_secret(value: object, kind: object) -> None:
    """Whatever is logged with ``%r`` or lands in a traceback: nobody's data, no code that takes money."""
    shown = repr(value) + str(value)
    for hidden in ("2088000000000001", "203.0.113.7", "li@example.com", "李雷", "28" * 9, "4000000000000002",
                   "GB82WEST12345698765432", "1101011990", r"\x00\xff"):  # fmt: skip
        assert hidden not in shown


def test_masked_fields_for_the_log() -> None:
    """``masked`` gives the fields as they may be logged: set personal and secret ones starred."""
    assert masked(QrScanned(auth_code="28" * 9)) == {"auth_code": "***"}
    assert masked(Payer(ip="203.0.113.7")) == {"id": None, "ip": "***", "email": None, "name": None}
    shown = masked(ORDER)
    assert (shown["payer"], shown["amount"], shown["ref"]) == ("***", CNY, "SHOP10010001")


@pytest.mark.parametrize(
    ("kind", "name", "field_class"),
    [
        (QrScanned, "auth_code", FieldClass.SECRET),
        (CardNumber, "value", FieldClass.SECRET),
        (Payer, "ip", FieldClass.PERSONAL),
        (Order, "payer", FieldClass.PERSONAL),
        (Order, "ref", FieldClass.INTERNAL),
        (Order, "capture", FieldClass.PUBLIC),
        (Fact, "detail", FieldClass.INTERNAL),
        (RawNotification, "body", FieldClass.PERSONAL),
    ],
)
def test_field_classes(kind: type[Order], name: str, field_class: FieldClass) -> None:
    """Each field has a class; internal when none is stated."""
    assert field_class is field_classes(kind)[name]


def test_public_names_are_sorted_and_real() -> None:
    """What ``__all__`` promises exists, and every public value class has an example above."""
    names = payport.schemas.__all__
    assert len(names) == len(set(names))
    public = [getattr(payport.schemas, name) for name in names]
    classes = {item for item in public if isinstance(item, type) and is_dataclass(item)}
    covered = set[type]()

    def walk(value: object) -> None:
        covered.add(type(value))
        for item in fields(value) if is_dataclass(value) else ():
            walk(getattr(value, item.name))

    for value, _ in VALUES:
        walk(value)
    assert set() == classes - covered
    assert all(isinstance(member.value, str) for item in public if isinstance(item, type) and issubclass(item, Enum)
               for member in item)  # fmt: skip


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Some names are loaded with their first use; a name that does not exist still says so."""
    with pytest.raises(AttributeError, match="no attribute 'Monney'"):
        payport.schemas.Monney  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_the_import_is_light() -> None:
    """Nothing that a payment does without is loaded: no pydantic, no tables of countries or currencies, no httpx."""
    heavy = ["pydantic", "stdnum", "iso4217", "httpx", "cryptography", "html", "payport.schemas.identifiers"]
    code = f"import sys, payport.schemas; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == "[]"


def test_instants_are_the_same_instant_in_utc() -> None:
    """A time in Shanghai is written in UTC and compares equal."""
    again = from_json(to_json(ORDER), Order)
    assert again.payable_until == AT
    assert again.payable_until is not None
    assert again.payable_until.tzinfo is UTC
