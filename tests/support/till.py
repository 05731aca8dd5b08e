"""A till: a gateway in a process of its own, for tests that kill it or run many of them.

``python -m tests.support.till SETTINGS COMMAND ...`` with ``SETTINGS`` written by :func:`write_settings`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from tests.support.databases import by_hand, kind_of
from tests.support.paths import order

from payport.adapters.alipay import Alipay, AlipayAccount
from payport.schemas import Money, QrScanned, QrShown, Succeeded
from payport.sdk.gateway import Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.secrets import Secret
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.tls import Trust


def write_settings(account: AlipayAccount, folder: Path, journal: str = "", codes: Sequence[str] = ()) -> Path:
    """What a till needs to know. ``journal``: its URL, by default of a file in the folder."""
    assert account.trust is not None
    settings = {
        "app_id": account.app_id,
        "private_key": account.private_key.reveal(),
        "alipay_public_key": account.alipay_public_key,
        "seller_id": account.seller_id,
        "gateway_url": account.gateway_url,
        "authority": account.trust.ca_data,
        "journal": journal or f"sqlite:///{folder / 'payments.db'}",
        "codes": list(codes),
    }
    place = folder / "settings.json"
    place.write_text(json.dumps(settings))
    return place


def account_of(settings: Mapping[str, str]) -> AlipayAccount:
    """The account that settings describe."""
    return AlipayAccount(
        app_id=settings["app_id"],
        private_key=Secret(settings["private_key"]),
        alipay_public_key=settings["alipay_public_key"],
        seller_id=settings["seller_id"],
        gateway_url=settings["gateway_url"],
        trust=Trust(ca_data=settings["authority"]),
    )


@contextmanager
def open_till(place: Path) -> Iterator[Gateway[Alipay]]:
    """The gateway that the settings describe."""
    settings = json.loads(place.read_text())
    with (
        Journal.open(settings["journal"], sealing_key=SEALING_KEY, connections=CONNECTIONS) as journal,
        Gateway(Alipay(account_of(settings)), journal=journal, sinks=()) as gateway,
    ):
        yield gateway


CONNECTIONS = 4
"""To a database server, to write with, and as many to read with: eight tills stay below the hundred of PostgreSQL."""


def forget_leases(settings: Path) -> None:
    """As if the dead process's lease had run out, which takes half a minute."""
    url: str = json.loads(settings.read_text())["journal"]
    with by_hand(kind_of(url), url) as cursor:
        cursor.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")


def _crowd(gateway: Gateway[Alipay], callers: int) -> None:
    """For every line with a reference and a code, many threads pay that order; prints what each was told."""
    print("ready", flush=True)  # noqa: T201 - how a child talks to its test
    for line in sys.stdin:
        ref, code = line.split()
        told: list[str] = []

        def one(ref: str = ref, code: str = code, told: list[str] = told) -> None:
            outcome = gateway.pay(order(ref), QrScanned(auth_code=code), deadline_s=30)
            paid = outcome.value.partner_id if isinstance(outcome, Succeeded) else None
            told.append(f"{type(outcome).__name__} {paid}")

        threads = [Thread(target=one) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(told), flush=True)  # noqa: T201 - as above


def _fork(gateway: Gateway[Alipay], ref: str, codes: list[str]) -> None:
    """One gateway used before a fork and on both sides of it."""
    outcomes = [gateway.pay(order(f"{ref}0"), QrScanned(auth_code=codes[0]))]
    child = os.fork()
    mine = 1 if child else 2
    outcomes.append(gateway.pay(order(f"{ref}{mine}"), QrScanned(auth_code=codes[mine])))
    good = all(isinstance(outcome, Succeeded) for outcome in outcomes)
    if not child:
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    sys.exit(0 if good and status == 0 else 1)


def main(place: str, command: str, ref: str, *rest: str) -> None:
    """Do one thing and end. ``ref``: the order; of a crowd, how many callers."""
    with open_till(Path(place)) as gateway:
        match command:
            case "crowd":
                _crowd(gateway, int(ref))
            case "fork":
                _fork(gateway, ref, list(rest))
            case "scanned":
                gateway.pay(order(ref), QrScanned(auth_code=rest[0]))
            case "shown":
                gateway.pay(order(ref), QrShown())
            case "refund":
                gateway.refund(ref, f"R{ref}", Money.of("1.00", "CNY"))
            case other:
                raise SystemExit(f"no such command: {other}")


if __name__ == "__main__":
    main(*sys.argv[1:])
