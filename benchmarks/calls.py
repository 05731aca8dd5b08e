"""Whole calls over loopback TLS, beside bare httpx with a signature and beside python-alipay-sdk.

Ours: planned, journalled before and after, signed, sent, verified over the raw bytes, validated, bound, told to the
sinks. Bare httpx: one keep-alive client with a shared context, a request that was built before, and one signature;
nothing is verified, read or kept. python-alipay-sdk: verified, nothing validated or kept, a new connection for each
call. ``python -m benchmarks.calls``.
"""

from __future__ import annotations

import base64
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from statistics import median
from typing import Protocol, Self, TypeVar, cast

import certifi
import httpx

from benchmarks.figures import Measure, Row, cpu_us, interleaved, ratio, report, us
from benchmarks.journal import sealing_key
from benchmarks.partner import APP_ID, keys, replies, waiting
from benchmarks.server import Server, served
from payport.adapters.alipay import Alipay
from payport.adapters.alipay.forms import encode_form
from payport.schemas import ActionRequired, Money, Order, QrShown
from payport.sdk import Gateway, Journal
from payport.sdk.journal.engine import Durability
from payport.sdk.journal.session import Session
from payport.sdk.keys import PrivateKey
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.tls import context
from payport.sdk.transport.http import HttpTransport

T = TypeVar("T")

ROUNDS = 9
CALLS = 50
ASKED = "BENCH0000000"
"""The order that is queried again and again; its payer does not pay."""
SIGN_US = 680.0
"""What a signature costs where the goals were set (AMD Zen 3 at 2.45 GHz, without AVX-512)."""
AMOUNT = Money(1234, "CNY")


def reference(number: int) -> str:
    """An order's reference."""
    return f"BENCH{number:07d}"


class Timed:
    """CPU microseconds spent in one part."""

    def __init__(self) -> None:
        self.spent_us = 0.0

    @contextmanager
    def __call__(self) -> Generator[None]:
        begun_s = time.thread_time()
        yield
        self.spent_us += (time.thread_time() - begun_s) * 1e6


class TimedJournal(Journal):
    """A journal that tells how long it took."""

    timed: Timed

    def write(self, work: Callable[[Session], T], *, actor: str = "") -> T:
        """As the journal's."""
        with self.timed():
            return super().write(work, actor=actor)

    def read(self, work: Callable[[Session], T]) -> T:
        """As the journal's."""
        with self.timed():
            return super().read(work)


class TimedTransport(HttpTransport):
    """A transport that tells how long it took."""

    timed: Timed

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """As the transport's."""
        with self.timed():
            return super().send(request, timeout_s)


class Peer(Protocol):
    """What is used of python-alipay-sdk."""

    _gateway: str

    def api_alipay_trade_precreate(self, subject: str, out_trade_no: str, total_amount: str) -> dict[str, str]:
        """Show a code."""
        ...

    def api_alipay_trade_query(self, out_trade_no: str) -> dict[str, str]:
        """Ask."""
        ...


class Shop:
    """A merchant that pays new orders and asks about an old one, through one gateway."""

    def __init__(self, gateway: Gateway[Alipay], numbers: Iterator[int]) -> None:
        self._gateway = gateway
        self._numbers = numbers
        self._asked = False

    def pay(self) -> None:
        """A new order."""
        self._pay(reference(next(self._numbers)))

    def query(self) -> None:
        """The old order."""
        if not self._asked:
            self._asked = True
            self._pay(ASKED)
        found = self._gateway.query(ASKED)
        if found.source != "query":
            raise AssertionError(f"the benchmark's question failed: {found}")

    def _pay(self, ref: str) -> None:
        outcome = self._gateway.pay(Order(ref=ref, amount=AMOUNT, subject="Green tea"), QrShown())
        if not isinstance(outcome, ActionRequired):
            raise TypeError(f"the benchmark's call failed: {outcome}")


class Bench:
    """Every way of making the same call to one server."""

    def __init__(self, server: Server, folder: Path, numbers: Iterator[int]) -> None:
        self.server = server
        self.folder = folder
        self.numbers = numbers
        self.open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    @property
    def url(self) -> str:
        """The partner's gateway."""
        return f"{self.server.url}/gateway.do"

    def shop(self, durability: Durability, *, audit: bool = True) -> Shop:
        """Ours as users have it: a journal on disk with a sealing key, the usual transport and sinks.

        ``audit``: whether with the audit trail, which is the rule.
        """
        url = f"sqlite:///{self.folder}/{durability}{audit}.db"
        journal = self.open.enter_context(
            Journal.open(url, sealing_key=sealing_key(), durability=durability, audit=audit)
        )
        adapter = Alipay(keys().account(self.url, self.server.trust))
        return Shop(self.open.enter_context(Gateway(adapter, journal=journal)), self.numbers)

    def parts(self, calls: int) -> tuple[Measure, dict[str, list[float]]]:
        """Ours with its journal and its transport timed: what measures it, and where it puts what it found."""
        spent: dict[str, list[float]] = {"whole": [], "http": [], "journal": []}
        journal = self.open.enter_context(
            TimedJournal.open(f"sqlite:///{self.folder}/timed.db", sealing_key=sealing_key(), durability="normal")
        )
        transport = TimedTransport(self.server.trust, frozenset({self.server.host}))
        journal.timed, transport.timed = Timed(), Timed()
        adapter = Alipay(keys().account(self.url, self.server.trust))
        shop = Shop(self.open.enter_context(Gateway(adapter, journal=journal, transport=transport)), self.numbers)

        def measure() -> float:
            journal.timed.spent_us = transport.timed.spent_us = 0.0
            whole = cpu_us(shop.pay, calls)
            spent["whole"].append(whole)
            spent["http"].append(transport.timed.spent_us / calls)
            spent["journal"].append(journal.timed.spent_us / calls)
            return whole

        return measure, spent

    def bare(self) -> tuple[Callable[[], None], Callable[[], None]]:
        """Bare httpx with a signature, and the signature alone, of a request as long as ours."""
        key, client = PrivateKey(keys().merchant), httpx.Client(verify=context(self.server.trust), trust_env=False)
        self.open.enter_context(client)
        biz = '{"out_trade_no":"SHOP1001000100000001","total_amount":"12.34","subject":"Green tea",'
        biz += '"product_code":"FACE_TO_FACE_PAYMENT","time_expire":"2026-07-01 12:30:00"}'
        params = {
            "app_id": APP_ID,
            "method": "alipay.trade.precreate",
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": "2026-07-01 12:00:00",
            "version": "1.0",
            "sign": base64.b64encode(key.sign(biz.encode())).decode(),
        }
        url, body = f"{self.url}?{encode_form(params).decode()}", encode_form({"biz_content": biz})
        headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8", "accept": "application/json"}
        message = biz.encode() + url.encode()

        def sign() -> None:
            key.sign(message)

        def call() -> None:
            sign()
            client.post(url, content=body, headers=headers).raise_for_status()

        return call, sign

    def verified(self) -> Callable[[], None]:
        """The bare call with a signature, and one verification of an answer's."""
        key = PrivateKey(keys().merchant)
        signature, public, bare = key.sign(b"x" * 300), key.public, self.bare()[0]

        def call() -> None:
            bare()
            public.verify(b"x" * 300, signature)

        return call

    def peer(self, authorities: str) -> tuple[Callable[[], None], Callable[[], None]]:
        """python-alipay-sdk with a trust store of its own: a payment, a query."""
        module = import_module("alipay")
        peer = cast(
            "Peer",
            module.AliPay(
                appid=APP_ID,
                app_private_key_string=keys().merchant_pem,
                alipay_public_key_string=keys().partner.key.public.pem(),
            ),
        )
        peer._gateway = self.url  # noqa: SLF001 - it has no setting for the address
        store = Path(self.folder, f"{len(authorities)}.pem")
        store.write_text(authorities)

        def pay() -> None:
            os.environ["SSL_CERT_FILE"] = str(store)
            peer.api_alipay_trade_precreate("Green tea", f"{ASKED}T001", "12.34")

        def query() -> None:
            os.environ["SSL_CERT_FILE"] = str(store)
            peer.api_alipay_trade_query(f"{ASKED}T001")

        return pay, query


def rows(rounds: int = ROUNDS, calls: int = CALLS) -> list[Row]:
    """Measure."""
    refs = [reference(number) for number in range(1, 4 * calls * (rounds + 1) + 1)]
    prepared = replies([ASKED, *refs]) | {f"alipay.trade.query {ASKED}T001".encode(): waiting(f"{ASKED}T001")}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(prepared) as server,
        Bench(server, Path(folder), count(1)) as bench,
    ):
        return _rows(bench, rounds, calls)


def _rows(bench: Bench, rounds: int, calls: int) -> list[Row]:
    normal, full, unaudited = bench.shop("normal"), bench.shop("full"), bench.shop("normal", audit=False)
    (bare, sign), (timed, spent) = bench.bare(), bench.parts(calls)
    works = {"bare": bare, "pay": normal.pay, "query": normal.query, "full": full.pay, "sign": sign}
    works["unaudited"] = unaudited.pay
    cases = {name: _case(work, calls) for name, work in works.items()} | {"parts": timed}
    peers = _peers(bench) if find_spec("alipay") else {}
    cases |= {name: _case(work, max(1, calls // 10)) for name, work in peers.items()}
    found = interleaved(cases, rounds)
    named = [name.split(", ") for name in peers]

    def row(name: str, ours: str, theirs: str, must: float | None = None, ambitious: float | None = None) -> Row:
        mine, other = found[ours], found[theirs]
        return Row(
            name=name, figure=ratio(mine, other), must=must, ambitious=ambitious, ours=us(mine), beside=us(other)
        )

    dearer = [SIGN_US - own for own in found["sign"]]
    found["pay "] = [one + more for one, more in zip(found["pay"], dearer, strict=True)]
    found["bare "] = [one + more for one, more in zip(found["bare"], dearer, strict=True)]
    return [
        row("pay, journal NORMAL / bare httpx + sign", "pay", "bare", 1.25, 1.15),
        row("query, journal NORMAL / bare httpx + sign", "query", "bare", 1.25, 1.15),
        row("pay, journal FULL / bare httpx + sign", "full", "bare"),
        row("pay NORMAL / the same without the audit trail", "pay", "unaudited"),
        row(f"  pay NORMAL, reckoned with {SIGN_US:.0f} us a signature", "pay ", "bare "),
        *(row(f"{verb} / python-alipay-sdk, {store}", verb, f"{verb}, {store}") for verb, store in named),
        *_parts(spent, found["sign"]),
    ]  # fmt: skip


def _case(work: Callable[[], None], calls: int) -> Measure:
    return lambda: cpu_us(work, calls)


def _peers(bench: Bench) -> dict[str, Callable[[], None]]:
    """python-alipay-sdk with the authorities that it has in production, and with a single one."""
    many = bench.peer(Path(certifi.where()).read_text() + bench.server.authority)
    one = bench.peer(bench.server.authority)
    return {
        "pay, certifi's authorities": many[0], "query, certifi's authorities": many[1],
        "pay, one authority": one[0], "query, one authority": one[1],
    }  # fmt: skip


def _parts(spent: dict[str, list[float]], sign: list[float]) -> list[Row]:
    """Where the time of one payment goes, as shares of it."""
    middle = {name: median(figures) for name, figures in spent.items()} | {"sign": median(sign)}
    middle["the rest"] = middle["whole"] - middle["sign"] - middle["http"] - middle["journal"]
    return [
        Row(name=f"  share of a payment: {name}", figure=middle[name] / middle["whole"], ours=f"{middle[name]:.0f} us")
        for name in ("sign", "http", "journal", "the rest")
    ]


if __name__ == "__main__":
    report(rows())
