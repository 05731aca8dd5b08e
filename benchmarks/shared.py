"""The journal on a database server beside a plain INSERT there: ``python -m benchmarks.shared URL ...``.

``URL``: of a scratch database, as :meth:`payport.sdk.journal.Journal.open` takes it; its tables stay behind. Wall time,
raw and ours in turns as in :mod:`benchmarks.journal`. Every statement is a round trip, so the figures hang on the
distance to the server as much as on its disk.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from statistics import median
from time import time

import psycopg
import pymysql
from sqlalchemy.engine import make_url

from benchmarks.figures import Row, report
from benchmarks.journal import CASES, measure, one_by_one, one_row, sealing_key
from payport.sdk.journal import Journal

ROUNDS = 5
ROWS = 100
CONNECTIONS = 16

_TABLE = "CREATE TABLE IF NOT EXISTS raw_row (k VARCHAR(64) PRIMARY KEY, a TEXT, b TEXT, c INT, d INT, body TEXT)"
_INSERT = "INSERT INTO raw_row (k, a, b, c, d, body) VALUES (%s, %s, %s, %s, %s, %s)"


class RawServer:
    """A plain table, one autocommit INSERT for each row."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        connection: psycopg.Connection[object] | pymysql.Connection[pymysql.cursors.Cursor]
        if parsed.drivername == "postgresql":
            connection = psycopg.connect(url, autocommit=True)
        else:
            connection = pymysql.connect(
                host=parsed.host or "", port=parsed.port or 3306, user=parsed.username, autocommit=True,
                password=str(parsed.password or ""), database=parsed.database, ssl_disabled=True,
            )  # fmt: skip
        self.close: Callable[[], None] = connection.close
        self._cursor = connection.cursor()
        self._cursor.execute(_TABLE)

    def rows(self, refs: list[str]) -> None:
        """Each by itself."""
        for ref in refs:
            self._cursor.execute(_INSERT, (ref, "pay", "CNY", 1234, 0, "x" * 300))


def rows(url: str, rounds: int = ROUNDS, writes: int = ROWS) -> list[Row]:
    """One server, durability ``full``."""
    name = make_url(url).drivername
    found: dict[str, list[tuple[float, float]]] = {case.name: [] for case in CASES}
    run = f"{time():.0f}"
    with (
        closing(RawServer(url)) as raw,
        Journal.open(url, sealing_key=sealing_key(), connections=CONNECTIONS) as journal,
    ):
        one_by_one(journal, [one_row(f"W{run}N{number}") for number in range(writes)])
        for number in range(rounds):
            for place, case in enumerate(CASES):
                found[case.name].append(measure(raw, journal, case, f"R{run}N{number}C{place}", writes))
    return [
        Row(
            name=f"{name}, {case.name} / raw INSERT",
            figure=median(ours / plain for ours, plain in found[case.name]),
            higher=True,
            ours=f"{median(ours for ours, _ in found[case.name]):,.0f}/s",
            beside=f"{median(plain for _, plain in found[case.name]):,.0f}/s",
        )
        for case in CASES
    ]


if __name__ == "__main__":
    for each in sys.argv[1:]:
        report(rows(each))
