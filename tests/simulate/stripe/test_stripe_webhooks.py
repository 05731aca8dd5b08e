"""Events: signed as Stripe signs, delivered until accepted, in any order, twice, late; and pages for a browser."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from tests.simulate.stripe.shop import Shop, card

from payport.adapters.stripe import Stripe
from payport.adapters.stripe.simulator import Fault, StripeSimulator
from payport.schemas import (
    Acknowledgement,
    ActionRequired,
    HostedPage,
    Money,
    Order,
    RawNotification,
    Redirect,
    Rejected,
    Succeeded,
    Verified,
)
from payport.schemas.events import RejectedKind
from payport.sdk import Gateway, Settings
from payport.sdk.cli.configured import write_settings
from payport.sdk.settings import open_adapter
from payport.sdk.testing import Incoming
from payport.sdk.tls import context

FORGETFUL = "sqlite:///:memory:?durable=no"


def test_every_event_of_a_payment_is_verified_and_taken_once(shop: Shop) -> None:
    """Also when it comes again."""
    shop.pay()
    assert {type(each) for each in shop.receive_all()} == {Verified}
    assert [each.first_seen for each in shop.receive_all()] == [False] * len(shop.partner.notices)


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_and_twice_end_the_same(shop: Shop, seed: int) -> None:
    """An old state never overwrites a new one."""
    shop.partner.hold_notices()
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    shop.partner.payer.open(action)
    shop.gateway.close()
    for raw in shop.partner.release_notices(copies=2, shuffle_seed=seed):
        assert isinstance(raw, RawNotification)
    with shop.open() as other:
        order = Order(ref=ref, amount=Money.of("12.34", "EUR"), subject="Tea")
        other.pay(order, card("pm_card_authenticationRequired"))
        for raw in shop.partner.notices:
            other.receive(raw)
        assert isinstance(other.pay(order, card("pm_card_authenticationRequired")), Succeeded)


def test_a_lost_answer_is_learnt_from_the_event(shop: Shop) -> None:
    """The creation's answer never came; its event brings the number, and nothing is looked for."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "payment_intents.create", times=3)
    ref, _ = shop.pay()
    shop.receive_all()
    assert shop.last(ref).ids["payment_intent"].startswith("pi_")
    shop.gateway.resolve(ref)
    assert isinstance(shop.outcome(ref), Succeeded)
    assert shop.sent("payment_intents.search") == 0


def test_forgeries_are_refused(shop: Shop) -> None:
    """Changed, unsigned, old, of the future: each for its own reason, and the payment stays as it was."""
    ref, _ = shop.show(HostedPage())
    shop.pay()
    notices = shop.partner.notices
    raw = notices[-1]
    told = {
        RejectedKind.BAD_SIGNATURE: notices.forged(raw, {"amount": 1}),
        RejectedKind.UNSIGNED: notices.unsigned(raw),
        RejectedKind.STALE: notices.signed(raw.body, age_s=301),
        RejectedKind.WRONG_ACCOUNT: notices.altered(raw, {"event": {"livemode": True}}),
    }
    for kind, forged in told.items():
        answer = shop.gateway.receive(forged)
        assert isinstance(answer, Rejected)
        assert (answer.kind, answer.acknowledgement.status) == (kind, 400)
    assert isinstance(shop.outcome(ref), ActionRequired)
    assert isinstance(shop.gateway.receive(notices.signed(raw.body, age_s=300)), Verified)


def test_a_rolled_secret_signs_beside_the_new_one_for_a_day(shop: Shop) -> None:
    """A gateway with the old secret goes on; after a day only the new one counts."""
    before = shop.partner.account
    shop.partner.roll_webhook_secret()
    assert len(shop.partner.account.webhook_secrets) == 2
    shop.pay()
    assert isinstance(shop.gateway.receive(shop.partner.notices[-1]), Verified)
    shop.time.pass_by(24 * 3600)
    shop.pay()
    assert isinstance(shop.gateway.receive(shop.partner.notices[-1]), Rejected)
    assert shop.partner.account.webhook_secrets[0] not in before.webhook_secrets
    with shop.open() as renewed:
        assert isinstance(renewed.receive(shop.partner.notices[-1]), Verified)


def test_events_are_delivered_until_they_are_accepted() -> None:
    """Any 2xx is an acknowledgement; anything else is not."""
    with (
        StripeSimulator() as partner,
        Gateway(Stripe(partner.account), journal=FORGETFUL, transport=partner.transport()) as gateway,
    ):
        answers = iter([500, 302])

        def receive(raw: RawNotification) -> Acknowledgement:
            status = next(answers, None)
            if status is not None:
                return Acknowledgement(status=status, content_type="text/plain", body=b"")
            return gateway.receive(raw).acknowledgement

        partner.deliver_to(receive)
        order = Order(ref="SHOP00000001", amount=Money.of("12.34", "EUR"), subject="Tea")
        gateway.pay(order, card())
        assert partner.wait_delivered()
        assert next(answers, None) is None
        again = gateway.receive(partner.notices[0])
        assert isinstance(again, Verified)
        assert not again.first_seen


def test_events_can_be_listed(shop: Shop) -> None:
    """For thirty days: what an endpoint missed is there."""
    shop.pay()
    _, _, told = shop.by_hand("GET", "/v1/events", {"type": "payment_intent.succeeded"})
    (event,) = told["data"]
    assert shop.by_hand("GET", f"/v1/events/{event['id']}")[2] == event
    shop.time.pass_by(31 * 86_400)
    assert shop.by_hand("GET", f"/v1/events/{event['id']}")[0] == 404


def test_the_same_end_whatever_comes_first(shop: Shop) -> None:
    """The events of a refund, in every order."""
    ref, _ = shop.pay()
    shop.partner.hold_notices()
    shop.gateway.refund(ref, "BACK0001", Money.of("2.00", "EUR"))
    raws = shop.partner.release_notices()
    for order in permutations(raws):
        for raw in order:
            assert isinstance(shop.gateway.receive(raw), Verified)
    (fact,) = shop.facts(ref)
    assert fact.amount == Money.of("2.00", "EUR")


# pages


def get(partner: StripeSimulator, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """What a browser gets: status, text, where it is sent."""
    body = urlencode(form or {}).encode()
    reply = partner.handle(
        Incoming(method="GET" if form is None else "POST", target=urlsplit(url).path or "/", headers={}, body=body)
    ).reply
    return reply.status, reply.content.decode(), dict(reply.headers).get("location", "")


def test_a_browser_authenticates_and_is_sent_back(shop: Shop) -> None:
    """One page with two buttons."""
    ref, action = shop.show(card("pm_card_authenticationRequired"))
    assert isinstance(action, Redirect)
    assert action.url in get(shop.partner, shop.partner.url)[1].replace('href="', f'href="{shop.partner.url}')
    status, text, _ = get(shop.partner, action.url)
    assert (status, "Complete authentication" in text) == (200, True)
    status, _, location = get(shop.partner, action.url, {"do": "pay"})
    assert (status, location.startswith("https://shop.example/return?payment_intent=pi_")) == (302, True)
    assert isinstance(shop.outcome(ref), Succeeded)
    assert get(shop.partner, action.url, {"do": "pay"})[0] == 409


def test_a_browser_pays_at_checkout_or_goes_back(shop: Shop) -> None:
    """With any test card; leaving closes nothing."""
    ref, action = shop.show(HostedPage())
    assert isinstance(action, Redirect)
    assert get(shop.partner, action.url, {"do": "leave"})[0] == 200
    assert get(shop.partner, action.url, {"do": "pay", "card": "pm_card_chargeDeclined"})[0] == 409
    assert get(shop.partner, action.url, {"do": "pay", "card": "4242"})[2] == "https://shop.example/return"
    assert isinstance(shop.outcome(ref), Succeeded)
    assert get(shop.partner, "/c/pay/cs_none")[0] == 404


@pytest.fixture
def served() -> Iterator[StripeSimulator]:
    """Stripe on loopback TLS."""
    with StripeSimulator().serve() as partner:
        yield partner


def test_the_same_over_real_tls(served: StripeSimulator, tmp_path: Path) -> None:
    """Settings in files, calls, a page for a browser: the whole way."""
    adapter = open_adapter(Settings.load(write_settings(tmp_path, served.settings_files()), {}), "simulator")
    assert isinstance(adapter, Stripe)
    assert replace(adapter.config, trust=None) == replace(served.account, trust=None)
    with Gateway(adapter, journal=FORGETFUL) as gateway:
        order = Order(ref="SHOP00000001", amount=Money.of("12.34", "EUR"), subject="Tea")
        outcome = gateway.pay(order, HostedPage())
        assert isinstance(outcome, ActionRequired)
        assert isinstance(outcome.action, Redirect)
        url = urlsplit(outcome.action.url)
        trust: ssl.SSLContext = context(served.trust)
        link = http.client.HTTPSConnection(url.hostname or "", url.port, context=trust, timeout=5)
        link.request("POST", url.path, body="do=pay", headers={"content-type": "application/x-www-form-urlencoded"})
        answer = link.getresponse()
        assert (answer.status, answer.headers["location"]) == (302, "https://shop.example/return")
        link.close()
        assert isinstance(gateway.query(order.ref).outcome, Succeeded)
        assert [json.loads(raw.body)["type"] for raw in served.notices][-1] == "checkout.session.completed"
        assert {request.path.split("/")[1] for request in served.requests} == {"v1", "c"}
