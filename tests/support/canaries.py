"""Canaries: twelve secrets with values that stand nowhere else, and the search for them in whatever came out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import TracebackType

CANARIES = {
    "private_key": "MIIEcanaryPrivateKeyJ7q2",
    "aes_key": "canaryAesKeyR5v8w1==",
    "sealing_key": "canary-sealing-key-0c4f",
    "api_secret": "sk_canary_9d1e77",
    "access_token": "canaryAccessToken.B3x",
    "password": "canary-pa55word-u6",
    "card_number": "4929173820465511",
    "card_code": "cvv-canary-973",
    "payment_code": "281234509876543211",
    "phone": "+8613912387654",
    "open_id": "oCanaryOpenId_5kQ",
    "identity_number": "11010519491231002X",
}


class Watch:
    """The twelve values to plant, and what was looked through for them.

    While it is open every log record down to ``DEBUG`` is kept. ``scanned`` counts the texts looked through.
    """

    def __init__(self) -> None:
        self.values = dict(CANARIES)
        self.scanned = 0
        self._kept: list[logging.LogRecord] = []

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def keep(self, record: logging.LogRecord) -> None:
        """Keep one log record for :meth:`look_at_logs`."""
        self._kept.append(record)

    def look_at(self, *things: object) -> None:
        """Fail when a canary shows in the text, bytes, ``str``, ``repr`` or traceback of any of ``things``."""
        for thing in things:
            for text in _texts(thing):
                self.scanned += 1
                found = sorted(name for name, value in self.values.items() if value in text)
                assert not found, f"{', '.join(found)} came out in {type(thing).__name__}"

    def look_at_logs(self) -> None:
        """Look at every record that was logged since the watch began."""
        for record in self._kept:
            self.look_at(record.getMessage(), repr(record.__dict__))
            if record.exc_info and record.exc_info[1] is not None:
                self.look_at(record.exc_info[1])


def _texts(thing: object) -> Iterator[str]:
    if isinstance(thing, bytes):
        yield thing.decode("utf-8", errors="replace")
    elif isinstance(thing, BaseException):
        yield from error_texts(thing)
    else:
        yield str(thing)
        yield repr(thing)


def error_texts(error: BaseException | None) -> Iterator[str]:
    """An error, everything that it came from, and what the library's frames held."""
    while error is not None:
        yield str(error)
        yield repr(error)
        yield from _locals(error.__traceback__)
        error = error.__cause__ or error.__context__


def _locals(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        # tests and simulators hold the canaries in their own frames: only the library's frames count
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.startswith("payport.") and not name.startswith("payport.sdk.testing"):
            yield from (repr(value) for value in trace.tb_frame.f_locals.values())
        trace = trace.tb_next
