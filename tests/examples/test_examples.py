"""Every example runs as it is, offline, and does what it says."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"

SAYS: dict[str, Sequence[str]] = {
    "take_a_payment": ["show this as a QR code: https://127.0.0.1:", "paid, ship it: 12.34 CNY"],
    "async_payment": ["paid: 3 of 3"],
    "handle_notification": [
        "genuine: payment TRADE_SUCCESS SHOP10010001 new",
        "genuine: payment TRADE_SUCCESS SHOP10010001 seen before",
        "the order changed: SHOP10010001 pay succeeded",
    ],
    **{
        f"notify_{framework}": [
            "the order changed: SHOP10010001 pay action",
            "the order changed: SHOP10010001 pay succeeded",
        ]
        for framework in ("fastapi", "flask", "django")
    },
    "recover": [
        "not known yet: timed_out",
        "open: SHOP10010001/pay//1",
        "changed: SHOP10010001 succeeded",
        "open now: 0",
        "charges at the partner: 1",
    ],
    "refund": ["given back: 2.34 CNY", "given back: 10.00 CNY", "nothing was sent: a refund of 0.01 CNY"],
    "own_outbox": [
        "rolled back: the shop changed its mind",
        "orders: 1",
        "sent so far: 0",
        "sent by resume: 1",
        "to show now: QrCode",
    ],
    "hold_and_capture": ["held: 100.00 CNY", "taken: 35.00 CNY", "still held: 0.00 CNY"],
}


def test_every_example_is_run() -> None:
    """A new file needs its line in the table."""
    assert {path.stem for path in FOLDER.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines come in this order."""
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    places = [printed.find(line) for line in SAYS[name]]
    assert -1 not in places, printed
    assert places == sorted(places), printed
