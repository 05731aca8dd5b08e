"""The whole gateway over real TLS sockets that fail: every fault gives the right one of ``NotSent`` and ``Unknown``."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from tests.support.loopback import Partner, Visit
from tests.support.misbehaving import CASES, Case
from tests.support.paths import World, order
from tests.support.scenarios import pay_scanned

from payport.adapters.alipay import Alipay, AlipayAccount
from payport.schemas import Money, NotSent, NotSentKind, QrScanned, QrShown, Unknown
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.journal.records import Verb
from payport.sdk.operations.querying import Observed
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.conformance.world import AT_ONCE
from payport.sdk.tls import Trust

PAID = "NETPAID00001"
FEN = Money.of("0.01", "CNY")
SENT = [case for case in CASES if case.name != "never reads"]
"""Not *never reads*: a request of ours fits into the sockets' buffers."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A journal with one paid order."""
    with World(tmp_path_factory.mktemp("network")) as made:
        pay_scanned(made, PAID).finish()
        yield made


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count(1)


def account_at(world: World, host: str) -> AlipayAccount:
    """The merchant's account at a partner that listens there."""
    trust = Trust(ca_data=loopback_certificates().authority)
    return replace(world.partner.account, gateway_url=f"https://{host}/gateway.do", trust=trust)


def told(world: World, host: str, number: int, deadline_s: float) -> Mapping[str, object]:
    """What four verbs tell, one after another."""
    scanned = QrScanned(auth_code=world.partner.payer.code())
    with Gateway(Alipay(account_at(world, host)), journal=world.journal, sinks=(), retry=AT_ONCE) as gateway:
        return {
            "pay scanned": gateway.pay(order(f"NETSCAN{number:05d}"), scanned, deadline_s=deadline_s),
            "pay shown": gateway.pay(order(f"NETSHOW{number:05d}"), QrShown(), deadline_s=deadline_s),
            "refund": gateway.refund(PAID, f"NETBACK{number:05d}", FEN, deadline_s=deadline_s),
            "query": gateway.query(PAID, deadline_s=deadline_s),
        }


async def atold(world: World, host: str, number: int, deadline_s: float) -> Mapping[str, object]:
    """The same, async."""
    scanned = QrScanned(auth_code=world.partner.payer.code())
    alipay = Alipay(account_at(world, host))
    async with AsyncGateway(alipay, journal=world.journal, sinks=(), retry=AT_ONCE) as gateway:
        return {
            "pay scanned": await gateway.pay(order(f"NETSCAN{number:05d}"), scanned, deadline_s=deadline_s),
            "pay shown": await gateway.pay(order(f"NETSHOW{number:05d}"), QrShown(), deadline_s=deadline_s),
            "refund": await gateway.refund(PAID, f"NETBACK{number:05d}", FEN, deadline_s=deadline_s),
            "query": await gateway.query(PAID, deadline_s=deadline_s),
        }


def run(colour: str, world: World, host: str, number: int, deadline_s: float) -> Mapping[str, object]:
    """In the colour that is wanted."""
    if colour == "sync":
        return told(world, host, number, deadline_s)
    return asyncio.run(atold(world, host, number, deadline_s))


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", SENT, ids=lambda case: case.name)
def test_once_connected_nothing_but_a_whole_authentic_reply_is_believed(
    world: World, numbers: Iterator[int], case: Case, colour: str
) -> None:
    """``Unknown`` for what moves money; a question that failed tells what the journal knows and says so."""
    number = next(numbers)
    with Partner(case.script, loopback_certificates().server_context()) as partner:
        outcomes = run(colour, world, partner.host, number, min(case.timeout_s, 2.0))
    assert {"query"} == {verb for verb, outcome in outcomes.items() if not isinstance(outcome, Unknown)}, outcomes
    observed = outcomes["query"]
    assert isinstance(observed, Observed)
    assert observed.source == "journal"
    refund = next(item for item in world.operations(PAID) if item.part == f"NETBACK{number:05d}")
    assert refund.verb is Verb.REFUND
    assert refund.may_have_left


def plain(visit: Visit) -> None:
    """Answers whatever comes in without TLS."""
    visit.some()
    visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


UNSENT = {
    "refused": NotSentKind.UNREACHABLE,
    "not resolved": NotSentKind.UNRESOLVED,
    "no TLS": NotSentKind.TLS,
    "another authority": NotSentKind.TLS,
}


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", UNSENT)
def test_before_the_first_byte_nothing_was_sent(
    world: World, numbers: Iterator[int], case: str, colour: str, tmp_path: Path
) -> None:
    """``NotSent`` with the reason, and the next call opens a next attempt."""
    context = _foreign() if case == "another authority" else None
    with Partner(plain, context) as partner, socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
        gone.close()
        host = {"refused": f"127.0.0.1:{port}", "not resolved": "nowhere.invalid"}.get(case, partner.host)
        number = next(numbers)
        outcomes = run(colour, world, host, number, 5.0)
        for verb in ("pay scanned", "pay shown", "refund"):
            outcome = outcomes[verb]
            assert isinstance(outcome, NotSent), (verb, outcome)
            assert outcome.cause.kind is UNSENT[case]
        assert b"POST" not in partner.received
    again = world.worker.refund(PAID, f"NETBACK{number:05d}", FEN)
    assert again.unwrap().partner_ref.endswith("R002")


def _foreign() -> ssl.SSLContext:
    from tests.support.rsa_keys import certificate, private_pem

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        leaf = certificate("127.0.0.1", "Nobody", signed_by="nobody", of="stranger")
        chain.write_text(leaf + private_pem("stranger"))
        context.load_cert_chain(chain)
    return context
