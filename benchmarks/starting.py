"""What it costs to begin: imports, gateways, keys. ``python -m benchmarks.starting``."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.figures import Measure, Row, cpu_us, interleaved, ratio, report, us
from benchmarks.partner import Keys, keys
from payport.adapters.alipay import Alipay, AlipayAccount
from payport.sdk import Gateway, Journal
from payport.sdk.keys import PrivateKey

ROUNDS = 9
MERCHANTS = 1000
URL = "https://openapi.example/gateway.do"

OURS = "from payport.sdk import Gateway; from payport.adapters.alipay import Alipay, AlipayAccount"
HTTPX = "import httpx"

_TIMED = "import time; a = time.process_time(); {code}; print(int((time.process_time() - a) * 1e6))"


def import_us(code: str) -> float:
    """CPU microseconds of an import in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", _TIMED.format(code=code)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def merchants(count: int) -> list[AlipayAccount]:
    """Accounts with four keys in turns: what counts is how often one is read."""
    few = [Keys(rsa.generate_private_key(65537, 2048), keys().partner).account(URL) for _ in range(min(4, count))]
    return [few[number % len(few)] for number in range(count)]


def _second_gateway(journal: Journal, count: int) -> Measure:
    """Another gateway on the journal and the TLS context that the first one opened, closed again."""
    alipay = Alipay(keys().account(URL))

    def work() -> None:
        Gateway(alipay, journal=journal).close()

    return lambda: cpu_us(work, count)


def _adapters(accounts: list[AlipayAccount]) -> Measure:
    """Every merchant's adapter, its key checked when it was registered."""

    def work() -> None:
        for account in accounts:
            Alipay(account, keys_checked=True)

    return lambda: cpu_us(work, 1)


def _private_keys(accounts: list[AlipayAccount]) -> Measure:
    """Every merchant's private key alone."""
    texts = [account.private_key.reveal() for account in accounts]

    def work() -> None:
        for text in texts:
            PrivateKey.load(text, trusted=True)

    return lambda: cpu_us(work, 1)


def rows(rounds: int = ROUNDS, count: int = MERCHANTS) -> list[Row]:
    """Measure."""
    accounts = merchants(count)
    with tempfile.TemporaryDirectory() as folder, Journal.open(f"sqlite:///{folder}/start.db") as journal:
        found = interleaved(
            {
                "ours": lambda: import_us(OURS), "httpx": lambda: import_us(HTTPX),
                "gateway": _second_gateway(journal, count), "adapters": _adapters(accounts),
                "keys": _private_keys(accounts),
            },
            rounds,
        )  # fmt: skip
    gateway_ms, adapters_s, keys_s = (sorted(found[name])[rounds // 2] for name in ("gateway", "adapters", "keys"))
    return [
        Row(
            name="import Gateway + Alipay / import httpx", figure=ratio(found["ours"], found["httpx"]), must=1.0,
            ambitious=0.3, ours=us(found["ours"]), beside=us(found["httpx"]),
        ),
        Row(name="second gateway, context and journal shared, ms", figure=gateway_ms / 1e3, must=0.2, ambitious=0.1),
        Row(name=f"{count} merchants' private keys, ms", figure=keys_s / 1e3, must=100, ambitious=20),
        Row(name=f"{count} merchants' adapters, both keys, ms", figure=adapters_s / 1e3, must=100),
    ]  # fmt: skip


if __name__ == "__main__":
    report(rows())
