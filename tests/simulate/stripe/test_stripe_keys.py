"""Idempotency as Stripe does it, by hand: what is kept, what is not, and what a misused key is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.stripe.shop import Shop

from payport.adapters.stripe.simulator import Fault

INTENTS = "/v1/payment_intents"
PARAMS: dict[str, Any] = {
    "amount": 1234,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "return_url": "https://a",
}
DAY_S = 24 * 3600


def create(shop: Shop, key: str | None = "k1", **changes: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    return shop.by_hand("POST", INTENTS, {**PARAMS, **changes}, key=key)


def test_the_first_answer_is_played_back(shop: Shop) -> None:
    """Byte by byte, with a mark; the money moved once."""
    status, headers, first = create(shop)
    again = create(shop)
    assert (status, headers["idempotency-key"]) == (200, "k1")
    assert "idempotent-replayed" not in headers
    assert again[1]["idempotent-replayed"] == "true"
    assert again[2] == first
    assert len(shop.partner.ledger.charges()) == 1


def test_without_a_key_each_request_is_its_own(shop: Shop) -> None:
    """Two charges: that is what a random key per call amounts to."""
    create(shop, None)
    create(shop, None)
    assert len(shop.partner.ledger.charges()) == 2


def test_a_decline_is_played_back_too(shop: Shop) -> None:
    """Failure or success, once execution began."""
    first = create(shop, payment_method="pm_card_chargeDeclined")
    again = create(shop, payment_method="pm_card_chargeDeclined")
    assert (first[0], again[0]) == (402, 402)
    assert again[2] == first[2]
    assert again[1]["idempotent-replayed"] == "true"


@pytest.mark.parametrize("fault", [Fault.SYSTEM_ERROR, Fault.COMMIT_THEN_SYSTEM_ERROR])
def test_a_500_stays_one_for_the_keys_whole_life(shop: Shop, fault: Fault) -> None:
    """Whether or not it was carried out."""
    shop.partner.faults.next(fault, "payment_intents.create")
    assert create(shop)[0] == 500
    status, headers, _ = create(shop)
    assert (status, headers["idempotent-replayed"]) == (500, "true")
    assert len(shop.partner.ledger.charges()) == fault.commits


@pytest.mark.parametrize("changes", [{"amount": 999}, {"currency": "usd"}, {"description": "x"}])
def test_a_key_stands_for_its_parameters(shop: Shop, changes: dict[str, Any]) -> None:
    """Others are refused, in words without a code."""
    create(shop)
    status, _, told = create(shop, **changes)
    assert (status, told["error"]["type"], "code" in told["error"]) == (400, "idempotency_error", False)


def test_a_key_stands_for_its_path(shop: Shop) -> None:
    """The same key for another call is refused as well."""
    create(shop)
    assert shop.by_hand("POST", "/v1/refunds", PARAMS, key="k1")[2]["error"]["type"] == "idempotency_error"


@pytest.mark.parametrize("wrong", [{"amount": "12x"}, {"payment_method": "pm_none"}, {"unknown": 1}])
def test_what_was_never_executed_is_not_kept(shop: Shop, wrong: dict[str, Any]) -> None:
    """Parameters that fail validation leave the key free."""
    assert create(shop, **wrong)[0] == 400
    assert create(shop)[0] == 200


def test_a_twin_under_way_is_refused_and_may_come_again(shop: Shop) -> None:
    """409 while the first is being carried out; its answer afterwards."""
    twins: list[tuple[int, Any]] = []
    shop.partner.on_commit = lambda _: twins.append(create(shop)[::2])
    first = create(shop)
    shop.partner.on_commit = None
    assert first[0] == 200
    ((status, told),) = twins
    assert (status, told["error"]["code"]) == (409, "idempotency_key_in_use")
    assert create(shop)[2] == first[2]
    assert len(shop.partner.ledger.charges()) == 1


def test_after_a_day_a_key_works_as_a_new_one(shop: Shop) -> None:
    """That is why the machinery stops repeating after half of it."""
    create(shop)
    shop.partner.advance(DAY_S - 1)
    assert create(shop)[1]["idempotent-replayed"] == "true"
    shop.partner.advance(2)
    assert "idempotent-replayed" not in create(shop)[1]
    assert len(shop.partner.ledger.charges()) == 2


# Status and code; the request.
DOORS: dict[str, tuple[int, str | None, dict[str, Any]]] = {
    "another key": (401, None, {"authorization": "Bearer sk_test_another"}),
    "no version": (400, None, {"stripe_version": ""}),
    "an account that is not connected": (403, "account_invalid", {"stripe_account": "acct_1"}),
    "JSON": (400, None, {"content_type": "application/json"}),
    "no content type": (400, None, {"content_type": ""}),
}


@pytest.mark.parametrize(("status", "code", "headers"), DOORS.values(), ids=DOORS.keys())
def test_who_is_let_in(shop: Shop, status: int, code: str | None, headers: dict[str, str]) -> None:
    """Key, version, account, form: even an empty POST says that it is one."""
    told = shop.by_hand("POST", INTENTS, PARAMS, **headers)
    assert (told[0], told[2]["error"].get("code")) == (status, code)


# Status and code; method, path, parameters.
REFUSALS: dict[str, tuple[int, str | None, str, str, dict[str, Any]]] = {
    "no such path": (404, None, "GET", "/v1/nothing", {}),
    "no such intent": (404, "resource_missing", "GET", f"{INTENTS}/pi_x", {}),
    "no amount": (400, "parameter_missing", "POST", INTENTS, {"currency": "eur"}),
    "a fraction": (400, "parameter_invalid_integer", "POST", INTENTS, {"amount": "12.34", "currency": "eur"}),
    "nothing": (400, "parameter_invalid_integer", "POST", INTENTS, {"amount": 0, "currency": "eur"}),
    "nine digits": (400, "amount_too_large", "POST", INTENTS, {"amount": 100_000_000, "currency": "eur"}),
    "too little": (400, "amount_too_small", "POST", INTENTS, {"amount": 49, "currency": "usd"}),
    "no currency": (400, None, "POST", INTENTS, {"amount": 100, "currency": "e"}),
    "no such card": (400, "resource_missing", "POST", INTENTS, {**PARAMS, "payment_method": "pm_x"}),
    "an unknown parameter": (400, "parameter_unknown", "POST", INTENTS, {**PARAMS, "card": {"number": "4242"}}),
    "no way back": (400, "parameter_missing", "POST", INTENTS, {**PARAMS, "return_url": None}),
    "a long note": (400, None, "POST", INTENTS, {**PARAMS, "metadata": {"a": "b" * 501}}),
    "a refund of nothing": (400, "resource_missing", "POST", "/v1/refunds", {"payment_intent": "pi_x"}),
    "a bad cursor": (400, "resource_missing", "GET", "/v1/refunds", {"starting_after": "re_x"}),
    "too many at once": (400, "parameter_invalid_integer", "GET", INTENTS, {"limit": 101}),
    "a search that is none": (400, None, "GET", f"{INTENTS}/search", {"query": "amount>5"}),
    "a page without things": (
        400, "parameter_missing", "POST", "/v1/checkout/sessions", {"mode": "payment", "success_url": "https://a"},
    ),
    "a subscription": (400, None, "POST", "/v1/checkout/sessions", {"mode": "subscription", "success_url": "https://a"}),
    "half a forint paid out": (400, None, "POST", "/v1/payouts", {"amount": 1045, "currency": "huf"}),
    "more than there is": (400, "balance_insufficient", "POST", "/v1/payouts", {"amount": 100, "currency": "eur"}),
}  # fmt: skip


@pytest.mark.parametrize(("status", "code", "method", "path", "params"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_is_refused_and_how(
    shop: Shop, status: int, code: str | None, method: str, path: str, params: dict[str, Any]
) -> None:
    """In Stripe's own categories."""
    told = shop.by_hand(method, path, params)
    assert (told[0], told[2]["error"].get("code")) == (status, code)


def test_lists_come_in_pages(shop: Shop) -> None:
    """Newest first, a cursor, and whether there is more."""
    numbers = [create(shop, f"k{number}")[2]["id"] for number in range(3)]
    first = shop.by_hand("GET", INTENTS, {"limit": 2})[2]
    assert [each["id"] for each in first["data"]] == numbers[:0:-1]
    assert first["has_more"]
    rest = shop.by_hand("GET", INTENTS, {"limit": 2, "starting_after": first["data"][-1]["id"]})[2]
    assert [each["id"] for each in rest["data"]] == [numbers[0]]
    assert not rest["has_more"]
    later = shop.by_hand("GET", INTENTS, {"created": {"gt": 4_000_000_000}})[2]
    assert later["data"] == []
