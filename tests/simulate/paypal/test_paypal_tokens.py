"""The access token: one fetch for a crowd, renewed in time, fetched anew once when PayPal refuses it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulate.paypal.shop import Shop

from payport.adapters.paypal import PayPal
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.schemas import ActionRequired, HostedPage, Money, NotSent, NotSentKind, Order, Succeeded
from payport.sdk import AsyncGateway, Gateway, Secret
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing import Fault


def order(number: int) -> Order:
    """One of many."""
    return Order(ref=f"CROWD{number:07d}", amount=Money.of("1.00", "USD"), subject="Tea")


def test_a_crowd_of_threads_fetches_one_token(shop: Shop) -> None:
    """Forty callers, one fetch; the others wait for it."""
    gateway = Gateway(shop.adapter, journal=shop.journal, transport=shop.partner.transport(), sinks=())
    together = threading.Barrier(40)

    def pay(number: int) -> object:
        together.wait()
        return gateway.pay(order(number), HostedPage())

    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(pay, range(40)))
    assert {ActionRequired} == {type(outcome) for outcome in outcomes}
    assert shop.partner.tokens_given == 1


def test_a_crowd_of_tasks_fetches_one_token(shop: Shop) -> None:
    """The same under asyncio, where the fetch really waits."""
    inner = shop.partner.async_transport()

    class Slow:
        async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
            await asyncio.sleep(0.01)
            return await inner.send(request, timeout_s)

        async def aclose(self) -> None:
            """Nothing is open."""

    async def go() -> list[object]:
        gateway = AsyncGateway(shop.adapter, journal=shop.journal, transport=Slow(), sinks=())
        return list(await asyncio.gather(*(gateway.pay(order(number), HostedPage()) for number in range(20))))

    assert {ActionRequired} == {type(outcome) for outcome in asyncio.run(go())}
    assert shop.partner.tokens_given == 1


def test_a_token_is_renewed_before_it_ends(shop: Shop) -> None:
    """Five minutes before, or a tenth of a short life."""
    shop.pay("SHOP10010001")
    shop.time.pass_by(32_400 - 301)
    shop.pay("SHOP10010002")
    assert shop.partner.tokens_given == 1
    shop.time.pass_by(2)
    shop.pay("SHOP10010003")
    assert shop.partner.tokens_given == 2


def test_a_token_that_paypal_took_back_is_fetched_anew_once(shop: Shop) -> None:
    """A 401 drops it; the call goes through under the next one, and moves money once."""
    visit = shop.approved("SHOP10010001")
    shop.partner.revoke_tokens()
    assert isinstance(shop.gateway.complete("SHOP10010001", visit.returned), Succeeded)
    assert shop.partner.tokens_given == 2
    assert [Money.of("12.34", "USD")] == shop.charges("SHOP10010001")


def test_after_one_fresh_token_the_refusal_stands(shop: Shop) -> None:
    """PayPal refuses its own tokens: one more is fetched, then the call is declined, not repeated for ever."""
    shop.partner.set_token_life(0)
    outcome = shop.pay("SHOP10010001")
    assert isinstance(outcome, NotSent)  # a token that is over at once is no token
    assert NotSentKind.KEYS is outcome.cause.kind
    shop.partner.set_token_life(1)
    inner = shop.partner.transport()
    seen: list[str] = []

    class Strict:
        def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
            seen.append(request.endpoint)
            if request.endpoint == "oauth2.token":
                return inner.send(request, timeout_s)
            return WireReply(401, (), b'{"name":"AUTHENTICATION_FAILURE","message":"no","debug_id":"f1"}')

        def close(self) -> None:
            """Nothing is open."""

    gateway = Gateway(PayPal(shop.partner.account), journal=shop.journal, transport=Strict(), sinks=())
    gateway.pay(order(1), HostedPage())
    assert seen == ["oauth2.token", "orders.create", "oauth2.token", "orders.create"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.RESET_BEFORE_TLS, NotSentKind.TLS),
        (Fault.SILENCE, NotSentKind.KEYS),
        (Fault.SYSTEM_ERROR, NotSentKind.KEYS),
        (Fault.BAD_GATEWAY, NotSentKind.KEYS),
        (Fault.UNSIGNED_ERROR, NotSentKind.KEYS),  # a page of a proxy says nothing of the credentials
        (Fault.TRUNCATED, NotSentKind.KEYS),
    ],
)
def test_without_a_token_nothing_was_sent(shop: Shop, fault: Fault, kind: NotSentKind) -> None:
    """A token fetch moves no money, however it fails: NotSent, and the next call may fetch again at once."""
    if fault is Fault.RESET_BEFORE_TLS:
        shop.partner.faults.next(fault)
    else:
        shop.partner.faults.next(fault, "oauth2.token", times=3)
    outcome = shop.pay("SHOP10010001")
    assert isinstance(outcome, NotSent)
    assert kind is outcome.cause.kind
    assert isinstance(shop.pay("SHOP10010001"), ActionRequired)


def test_wrong_credentials_are_not_hammered(shop: Shop) -> None:
    """PayPal refused them: for a minute nobody asks again, and no message shows the secret."""
    from dataclasses import replace

    wrong = replace(shop.partner.account, client_secret=Secret("EGNotTheSecretOfThisApplication"))
    gateway = shop.open(PayPal(wrong), "wrong")
    for number in range(5):
        outcome = gateway.pay(order(number), HostedPage())
        assert isinstance(outcome, NotSent)
        assert NotSentKind.KEYS is outcome.cause.kind
        assert "NotTheSecret" not in repr(outcome)
    asked = [event for event in shop.events if getattr(event, "endpoint", "") == "oauth2.token"]
    assert len(asked) == 1
    shop.time.pass_by(61)
    gateway.pay(order(9), HostedPage())
    asked = [event for event in shop.events if getattr(event, "endpoint", "") == "oauth2.token"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b'{"access_token":"A21","token_type":"Bearer"}',
        b'{"access_token":"","token_type":"Bearer","expires_in":100}',
        b'{"access_token":"A\\n21","token_type":"Bearer","expires_in":100}',
        b'{"access_token":"A21","token_type":"MAC","expires_in":100}',
        b'{"access_token":"A21","token_type":"Bearer","expires_in":0}',
        b'{"access_token":"A21","access_token":"B21","token_type":"Bearer","expires_in":100}',
    ],
)
def test_what_is_no_token_is_not_used(shop: Shop, said: bytes) -> None:
    """Least of all one that would break the header it stands in."""

    class Odd:
        def send(self, request: WireRequest, timeout_s: float) -> WireReply:
            assert request.endpoint == "oauth2.token"
            return WireReply(200, (), said)

        def close(self) -> None:
            """Nothing is open."""

    gateway = Gateway(PayPal(shop.partner.account), journal=shop.journal, transport=Odd(), sinks=())
    outcome = gateway.pay(order(1), HostedPage(), deadline_s=10.0)
    assert isinstance(outcome, NotSent)
    assert NotSentKind.KEYS is outcome.cause.kind


def test_a_token_shows_itself_nowhere(shop: Shop) -> None:
    """Not in the cache, the adapter, or an event. Pain: secrets in logs (paypal/PayPal-Ruby-SDK#146)."""
    shop.pay("SHOP10010001")
    shown = repr(shop.adapter) + repr(shop.adapter.tokens) + repr(shop.events) + repr(PayPalSimulator)
    assert "A21AA" not in shown


def test_a_fetch_that_was_stopped_keeps_nobody_from_a_token(shop: Shop) -> None:
    """A web request that its client gave up takes its task along: the next payment fetches at once."""
    inner = shop.partner.async_transport()
    stopped = asyncio.Event()

    class Stuck:
        async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
            if not stopped.is_set():
                stopped.set()
                await asyncio.sleep(60)
            return await inner.send(request, timeout_s)

        async def aclose(self) -> None:
            """Nothing is open."""

    async def go() -> object:
        gateway = AsyncGateway(shop.adapter, journal=shop.journal, transport=Stuck(), sinks=())
        first = asyncio.create_task(gateway.pay(order(1), HostedPage()))
        await stopped.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await gateway.pay(order(2), HostedPage(), deadline_s=2.0)

    assert isinstance(asyncio.run(go()), ActionRequired)
