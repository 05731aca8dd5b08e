"""The databases that a journal can stand in, and each one's share of the cases."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.databases import SERVERS


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of database. ``url``: makes the URL of an empty one, given an empty folder. ``tenths``: of the figure."""

    name: str
    url: Callable[[Path], str]
    tenths: int


def _on(server: str) -> Callable[[Path], str]:
    return lambda _: SERVERS[server].url("proof")


EVERY = (
    Store("SQLite", lambda folder: f"sqlite:///{folder / 'payments.db'}", 10),
    Store("PostgreSQL", _on("postgresql"), 3),
    Store("MariaDB", _on("mariadb"), 1),
)


@cache
def stores() -> tuple[Store, ...]:
    """Those that are there; under CI all of them must be."""
    wanted = {"PostgreSQL": "postgresql", "MariaDB": "mariadb"}
    return tuple(store for store in EVERY if store.name not in wanted or _answers(wanted[store.name]))


def _answers(server: str) -> bool:
    if os.environ.get("CI"):
        return True  # and where it is not, its cases fail
    address = SERVERS[server].address
    try:
        with socket.create_connection((address.host or "", address.port or 3306), timeout=1):
            return True
    except OSError:
        return False


def units(figure: int) -> int:
    """How many units there are when SQLite has so many."""
    return sum(figure * store.tenths // 10 for store in stores())


def shares(numbers: Iterable[int], figure: int) -> Iterator[tuple[Store, list[int]]]:
    """Which of these units are which database's: of each row of units SQLite's come first."""
    mine: dict[str, list[int]] = {store.name: [] for store in stores()}
    for number in numbers:
        at = number % units(figure)
        for store in stores():
            if at < figure * store.tenths // 10:
                mine[store.name].append(number)
                break
            at -= figure * store.tenths // 10
    for store in stores():
        if mine[store.name]:
            yield store, mine[store.name]
