"""Over real sockets on this machine: TLS, notices posted to the shop, files for another process, and the doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.simulate.unionpay.shop import ORDER, REF

from payport.adapters.unionpay import UnionPay, UnionPayAuthority, UnionPayKey
from payport.adapters.unionpay.doctor import converse, examine
from payport.adapters.unionpay.simulator import Fault, UnionPaySimulator
from payport.adapters.unionpay.simulator.keys import Certified, authority, pair
from payport.schemas import ActionRequired, HostedPage, QrScanned, RawNotification, Succeeded, Verified
from payport.schemas.events import Acknowledgement
from payport.sdk import AsyncGateway, Gateway, Settings, open_adapter
from payport.sdk.cli.configured import write_settings
from payport.sdk.cli.findings import Finding, Light
from payport.sdk.exchange import drive
from payport.sdk.host_clock import SystemClock
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.journal.store import Journal
from payport.sdk.secrets import Secret

FORGETFUL = "sqlite:///:memory:?durable=no"


class Receiver(HTTPServer):
    """A shop's web server. ``answer``: what it makes of a notice."""

    def __init__(self, answer: Callable[[RawNotification], Acknowledgement]) -> None:
        self.seen: list[RawNotification] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                raw = RawNotification(body=body, headers=dict(self.headers), query=self.path.partition("?")[2])
                shop.seen.append(raw)
                told = answer(raw)
                self.send_response(told.status)
                self.end_headers()
                self.wfile.write(told.body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self.shutdown()
        self.thread.join()
        self.server_close()


def test_a_payment_over_tls_is_told_to_the_shops_own_address() -> None:
    """Posted with the shop's own parameter in the address; the first two answers are refusals, so it comes again."""
    with UnionPaySimulator().serve() as partner:
        calls: list[int] = []

        def receive(raw: RawNotification) -> Acknowledgement:
            calls.append(1)
            if len(calls) < 3:
                return Acknowledgement(status=500, content_type="text/plain", body=b"")
            return gateway.receive(raw).acknowledgement

        web = Receiver(receive)
        account = replace(partner.account, notify_url=f"http://127.0.0.1:{web.server_port}/unionpay?shop=7")
        with Gateway(UnionPay(account), journal=FORGETFUL) as gateway:
            outcome = gateway.pay(ORDER, HostedPage())
            assert isinstance(outcome, ActionRequired)
            partner.payer.open(outcome.action)
            assert partner.wait_delivered()
            assert isinstance(gateway.pay(ORDER, HostedPage()), Succeeded)
        web.stop()
        assert len(web.seen) == 3
        assert web.seen[0].query == "shop=7"
        assert [incoming.path for incoming in partner.requests] == []


def test_a_notice_that_nobody_takes_is_sent_five_times() -> None:
    """Then UnionPay gives up, and only the question tells."""
    with UnionPaySimulator() as partner:
        tries: list[RawNotification] = []

        def never(raw: RawNotification) -> Acknowledgement:
            tries.append(raw)
            return Acknowledgement(status=404, content_type="text/plain", body=b"")

        partner.deliver_to(never)
        with Gateway(UnionPay(partner.account), journal=FORGETFUL, transport=partner.transport()) as gateway:
            gateway.pay(ORDER, QrScanned(auth_code=partner.payer.code()), deadline_s=0.5)
            assert partner.wait_delivered()
            assert len(tries) == 5
            assert isinstance(gateway.query(REF).outcome, Succeeded)


def test_notices_can_be_held_back_and_shuffled() -> None:
    """Twice each, in another order: the shop's books are the same."""
    with UnionPaySimulator() as partner:
        partner.hold_notices()
        with Gateway(UnionPay(partner.account), journal=FORGETFUL, transport=partner.transport()) as gateway:
            refs = [f"SHOP1001000{number}" for number in range(3)]
            for ref in refs:
                gateway.pay(replace(ORDER, ref=ref), QrScanned(auth_code=partner.payer.code()), deadline_s=0.5)
            told = partner.release_notices(copies=2, shuffle_seed=7)
            assert len(told) == 6
            answers = [gateway.receive(raw) for raw in told]
            assert sum(isinstance(answer, Verified) and answer.first_seen for answer in answers) == 3
            assert all(isinstance(gateway.query(ref).outcome, Succeeded) for ref in refs)


@pytest.mark.parametrize("method", ["01", "11", "12"])
def test_the_files_of_the_simulator_build_the_same_account(tmp_path: Path, method: str) -> None:
    """For a gateway in another process: loaded from ``payport.toml``, it pays over TLS."""
    with UnionPaySimulator(method).serve() as partner:  # type: ignore[arg-type]  # a text of three
        config = write_settings(tmp_path / "shop", partner.settings_files())
        adapter = open_adapter(Settings.load(config, {}), "simulator")
        assert isinstance(adapter, UnionPay)
        with Gateway(adapter, journal=FORGETFUL) as gateway:
            gateway.pay(ORDER, QrScanned(auth_code=partner.payer.code()), deadline_s=5.0)
            assert isinstance(gateway.query(REF).outcome, Succeeded)


def test_the_async_gateway_pays_over_tls() -> None:
    """The same body, the other colour."""

    async def go(partner: UnionPaySimulator) -> None:
        async with AsyncGateway(UnionPay(partner.account), journal=FORGETFUL) as gateway:
            await gateway.pay(ORDER, QrScanned(auth_code=partner.payer.code()), deadline_s=5.0)
            assert isinstance((await gateway.query(REF)).outcome, Succeeded)

    with UnionPaySimulator().serve() as partner:
        asyncio.run(go(partner))


# the doctor


def look(adapter: UnionPay, partner: UnionPaySimulator) -> list[Finding]:
    """What the doctor says of an account, with the network."""
    around = Surroundings(clock=SystemClock(), journal=Journal.open(FORGETFUL))
    host = SyncHost(around=around, transport=partner.transport())
    found = [*examine(adapter, SystemClock().moment().utc), *drive(converse(adapter, 1e12), host)]
    around.journal.close()
    return found


@pytest.mark.parametrize("method", ["01", "11", "12"])
def test_a_sound_account_is_green(method: str) -> None:
    """Keys, certificates, and an authentic "no such transaction"."""
    partner = UnionPaySimulator(method)  # type: ignore[arg-type]  # a text of three
    found = look(UnionPay(partner.account), partner)
    assert {each.light for each in found} == {Light.GREEN}
    assert found[-1].what.endswith("the keys on both sides fit")


def changed(partner: UnionPaySimulator, what: str) -> UnionPay:
    """An account with something wrong."""
    account = partner.account
    stranger = Certified(
        pair("stranger"), authority().certify("041@x@777290058100001:SIGN@2", pair("stranger")).certificate
    )
    other = authority("Other")
    changes: dict[str, dict[str, object]] = {
        "another key": {"key": UnionPayKey(private_key=Secret(stranger.private_pem()), certificate=stranger.pem())},
        "another authority": {"authorities": (UnionPayAuthority(middle=other.middle.pem(), root=other.root.pem()),)},
        "another merchant": {"mer_id": "777290058100009"},
        "no notify address": {"notify_url": None},
        "plain notify address": {"notify_url": "http://shop.example/n"},
        "no encryption": {"encryption_certificate": None},
    }
    return UnionPay(replace(account, **changes[what]))  # type: ignore[arg-type]  # one of each type


@pytest.mark.parametrize(
    ("what", "light", "message"),
    [
        ("another key", Light.RED, "UnionPay cannot verify what the key signs"),
        ("another authority", Light.RED, "UnionPay's answer is not authentic"),
        ("another merchant", Light.RED, "UnionPay does not serve this merchant"),
        ("no notify address", Light.YELLOW, "notify_url is not set"),
        ("plain notify address", Light.YELLOW, "is not https"),
        ("no encryption", Light.YELLOW, "card data cannot be sent"),
    ],
)
def test_what_is_wrong_is_said_with_its_mending(what: str, light: Light, message: str) -> None:
    """In the portal's words."""
    partner = UnionPaySimulator()
    worst = [each for each in look(changed(partner, what), partner) if each.light is not Light.GREEN]
    assert [(each.light, message in each.what) for each in worst] == [(light, True)]
    assert worst[0].mend


@pytest.mark.parametrize(
    ("fault", "light", "message"),
    [
        (Fault.SILENCE, Light.YELLOW, "gave no answer that tells anything"),
        (Fault.NO_SIGNATURE, Light.RED, "is not authentic"),
        (Fault.SYSTEM_ERROR, Light.YELLOW, "authentic, and a refusal"),
        (Fault.UNKNOWN_STATUS, Light.YELLOW, "authentic, and a refusal"),
    ],
)
def test_answers_that_prove_nothing(fault: Fault, light: Light, message: str) -> None:
    """Said as what they are."""
    partner = UnionPaySimulator()
    partner.faults.next(fault)
    last = look(UnionPay(partner.account), partner)[-1]
    assert last.light is light
    assert message in last.what


def test_a_clock_that_is_wrong_is_suspected() -> None:
    """Code 10 to a question that is well formed."""
    from payport.adapters.unionpay.doctor import _answered
    from payport.adapters.unionpay.envelope import Answer

    told = _answered(Answer(code="10", message="txnTime", fields={}))
    assert told.light is Light.RED
    assert "clock" in told.mend


def test_certificates_that_end_soon_are_yellow() -> None:
    """And those that have ended are red."""
    adapter = UnionPay(UnionPaySimulator().account)
    end = datetime(2045, 1, 1, tzinfo=UTC)
    assert [each.light for each in examine(adapter, end - timedelta(days=10))].count(Light.YELLOW) == 3
    assert [each.light for each in examine(adapter, end + timedelta(days=1))].count(Light.RED) == 3
