"""Fixtures and the conformance suite for your own tests, found by pytest as soon as Payport is installed.

Nothing is loaded before its first use.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal
    from payport.sdk.testing.conformance import Case

_LOOPBACK = ("127.", "::1", "localhost")
_OPTION = "--payport-conformance"

pytest.register_assert_rewrite("payport.sdk.testing.conformance")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that runs the conformance suite for an adapter."""
    parser.getgroup("payport").addoption(
        _OPTION,
        action="append",
        default=[],
        metavar="MODULE[:NAME]",
        help="also run Payport's conformance suite for the Subject named SUBJECT (or NAME) in this module",
    )


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add every case of the subjects that were asked for."""
    asked = cast("list[str]", session.config.getoption(_OPTION))
    for where in asked:
        from payport.sdk.testing.conformance import cases, subject_named  # noqa: PLC0415 - when it is asked for

        for case in cases(subject_named(where)):
            item = ConformanceItem.from_parent(session, name=str(case))  # pyright: ignore[reportUnknownMemberType]  # pytest's own
            item.case = case
            items.append(item)


class ConformanceItem(pytest.Item):
    """One case of the conformance suite as a test."""

    case: Case

    def runtest(self) -> None:
        """Try it in a folder of its own."""
        with tempfile.TemporaryDirectory() as folder:
            self.case.run(Path(folder))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it comes from, for reports."""
        return self.path, None, self.name


@pytest.fixture
def payport_journal(tmp_path: Path) -> Iterator[Journal]:
    """A durable SQLite journal in a folder of its own, closed after the test."""
    from payport.sdk.journal.store import Journal  # noqa: PLC0415 - loads the storage with the first test that asks

    with Journal.open(f"sqlite:///{tmp_path / 'payport.db'}") as journal:
        yield journal


@pytest.fixture
def payport_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that would leave this machine raises ``OSError`` while the test runs; loopback stays open."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: tuple[str, int] | str) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not host.startswith(_LOOPBACK):
            raise OSError(f"payport_no_network: {host} is not this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
