"""T10: a partner changes its keys while two hundred threads are at work: each unknown key is fetched once, a flood of
made-up ones a few times a minute, and what was signed before the change is still believed.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Barrier

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.adapters.paypal import PayPal
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.adapters.wechatpay import WeChatPay
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.schemas import ActionRequired, HostedPage, Money, Order, QrShown, Verified
from payport.sdk.gateway import Gateway
from payport.sdk.keyring import Fetch, KeyRing, Known, Missing, Wait
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.transport import Transport
from proof.family import Family, Tally, each
from proof.suites import passed

THREADS = 200
SERIALS = 10_000
TESTS = (
    "tests/unit/keys",
    "tests/simulate/alipay/test_key_rotation.py",
    "tests/simulate/wechatpay/test_wechatpay_key_rotation.py",
    "tests/wire/wechatpay/test_wechatpay_keys.py",
)


@dataclass(frozen=True, slots=True)
class Situation:
    """``before``: what the ring knows; ``fetched``: what fetching brings; ``found``: what everybody ends with."""

    before: Callable[[KeyRing[str], str], None]
    fetched: Callable[[KeyRing[str], str], None]
    fetches: int
    found: type


def _learn(ring: KeyRing[str], serial: str) -> None:
    ring.learn(serial, serial)


def _fail(ring: KeyRing[str], serial: str) -> None:
    ring.failed(serial, 10.0)


def _learn_late(ring: KeyRing[str], serial: str) -> None:
    time.sleep(0.02)
    ring.learn(serial, serial)


def _retire(ring: KeyRing[str], serial: str) -> None:
    ring.learn(serial, serial)
    ring.retire(serial)


def _learn_another(ring: KeyRing[str], serial: str) -> None:
    """What was fetched is the key of another serial."""
    ring.learn(f"{serial} of another", serial)
    ring.failed(serial, 10.0)


def _learn_both(ring: KeyRing[str], serial: str) -> None:
    """The new one and the one that it will follow."""
    ring.learn(f"{serial} before", "old")
    ring.learn(serial, serial)


def _nothing(_: KeyRing[str], __: str) -> None:
    """It knows nothing of it."""


def _expired(ring: KeyRing[str], serial: str) -> None:
    ring.learn(serial, serial, expires_at_s=5.0)


SITUATIONS: Mapping[str, Situation] = {
    "new before it is used": Situation(_learn, _fail, 0, Known),
    "used before it is known": Situation(_nothing, _learn, 1, Known),
    "expired, and renewed": Situation(_expired, _learn, 1, Known),
    "old one taken back": Situation(_retire, _fail, 1, Missing),
    "both valid": Situation(_learn_both, _fail, 0, Known),
    "the wrong key is fetched": Situation(_nothing, _learn_another, 1, Missing),
    "the fetch fails": Situation(_nothing, _fail, 1, Missing),
    "the fetch is slow": Situation(_nothing, _learn_late, 1, Known),
}


@contextmanager
def restless() -> Iterator[None]:
    """Threads that give way at every turn, so that a missing lock shows."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


def _crowd(number: int, tally: Tally) -> None:
    """Two hundred threads meet one serial in one situation."""
    name = list(SITUATIONS)[number % len(SITUATIONS)]
    situation, serial, together = SITUATIONS[name], f"S{number}", Barrier(THREADS)
    ring = KeyRing[str]({"other": "K"})
    situation.before(ring, serial)
    fetches: Counter[str] = Counter()

    def ask(_: int) -> object:
        together.wait()
        while True:
            match ring.find(serial, 10.0):
                case Fetch():
                    fetches[serial] += 1
                    situation.fetched(ring, serial)
                case Wait():
                    time.sleep(0.0005)
                case found:
                    return found

    with restless(), ThreadPoolExecutor(THREADS) as pool:
        found = {type(answer) for answer in pool.map(ask, range(THREADS))}
    tally.cases += THREADS
    assert fetches[serial] == situation.fetches, f"{name}: {fetches[serial]} fetches"
    assert found == {situation.found}, f"{name}: {found}"
    assert Known("K") == ring.find("other", 10.0), f"{name}: the other key is gone"


def _flood(number: int, tally: Tally) -> None:
    """Ten thousand serials that never existed, within a minute: at most ten fetches."""
    dice, ring = random.Random(number), KeyRing[str]({"ours": "K"})
    fetched = 0
    for turn in range(SERIALS):
        finding = ring.find(f"{dice.getrandbits(160):040X}", 60.0 * turn / SERIALS)
        if isinstance(finding, Fetch):
            fetched += 1
            ring.failed(finding.serial, 60.0 * turn / SERIALS)
    tally.cases += SERIALS
    assert fetched <= 10, f"{fetched} fetches"
    assert ring.remembered <= 10
    assert Known("K") == ring.find("ours", 60.0)


@dataclass
class Counting:
    """A way to the partner that counts fetches of keys, and lets each take a while."""

    road: Transport
    endpoint: str
    fetches: int = 0

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        if request.endpoint.endswith(self.endpoint):
            self.fetches += 1
            time.sleep(0.02)
        return self.road.send(request, timeout_s)

    def close(self) -> None:
        """Nothing is held open."""


def _all(work: Callable[[int], bool]) -> bool:
    together = Barrier(THREADS)

    def one(turn: int) -> bool:
        together.wait()
        return work(turn)

    with ThreadPoolExecutor(THREADS) as pool:
        return all(pool.map(one, range(THREADS)))


def _order(turn: int, currency: str) -> Order:
    return Order(ref=f"ROTATE{turn:06d}", amount=Money.of("1.00", currency), subject="Tea")


def _alipay(tally: Tally) -> None:
    """Replies come with a certificate that nobody has seen."""
    partner = AlipaySimulator("certificate")
    road = Counting(partner.transport(), "alipaycert.download")
    with (
        tempfile.TemporaryDirectory() as folder,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{Path(folder)}/a.db", transport=road, sinks=()) as gateway,
    ):
        partner.rotate_certificate(new_key=True)
        fine = _all(lambda turn: isinstance(gateway.pay(_order(turn, "CNY"), QrShown(), deadline_s=30), ActionRequired))
    tally.cases += THREADS
    assert fine, "an answer signed with the new certificate was not believed"
    assert road.fetches == 1, f"{road.fetches} downloads"


def _wechatpay(tally: Tally) -> None:
    """The first calls of a process that knows no certificate yet."""
    partner = WeChatPaySimulator("certificate")
    road = Counting(partner.transport(), "/v3/certificates")
    with (
        tempfile.TemporaryDirectory() as folder,
        Gateway(
            WeChatPay(partner.account), journal=f"sqlite:///{Path(folder)}/a.db", transport=road, sinks=()
        ) as gateway,
    ):
        fine = _all(lambda turn: isinstance(gateway.pay(_order(turn, "CNY"), QrShown(), deadline_s=30), ActionRequired))
    tally.cases += THREADS
    assert fine, "an answer was not believed"
    assert road.fetches == 1, f"{road.fetches} downloads"


def _paypal(tally: Tally) -> None:
    """One event in two hundred threads, signed with a certificate that nobody has fetched."""
    partner = PayPalSimulator()
    road = Counting(partner.transport(), "notifications.certs")
    with (
        tempfile.TemporaryDirectory() as folder,
        Gateway(PayPal(partner.account), journal=f"sqlite:///{Path(folder)}/a.db", transport=road, sinks=()) as gateway,
    ):
        partner.rotate_certificate()
        outcome = gateway.pay(_order(0, "USD"), HostedPage())
        assert isinstance(outcome, ActionRequired), outcome
        partner.payer.open(outcome.action)
        raw = partner.notices[-1]
        fine = _all(lambda _: isinstance(gateway.receive(raw), Verified))
    tally.cases += THREADS
    assert fine, "a genuine event was refused"
    assert road.fetches == 1, f"{road.fetches} fetches"


@cache
def _suite() -> Tally:
    return passed(0, TESTS)


CROWDS = 6 * len(SITUATIONS)
_UNITS = CROWDS + 6


def run(first: int, count: int) -> Tally:
    """Crowds at the ring, floods, crowds at three adapters, and the tests of keys and their changes."""
    return each(range(first, first + count), _unit)


def _unit(number: int, tally: Tally) -> None:
    turn = number % _UNITS
    if turn < CROWDS:
        _crowd(number, tally)
    elif turn < CROWDS + 2:
        _flood(number, tally)
    elif turn < CROWDS + 5:
        (_alipay, _wechatpay, _paypal)[turn - CROWDS - 2](tally)
    else:
        tally.add(_suite())


FAMILY = Family(
    id="T10",
    title="keys that change midway: one fetch for 200 threads, ten a minute for 10,000 made-up serials",
    run=run,
    gate=_UNITS,
    long=50 * _UNITS,
    shard=_UNITS,
)
