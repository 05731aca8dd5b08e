"""Notifications: signed like Alipay's, kept for tests to hand over, and posted when there is somewhere to post to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import overload

from payport.adapters.alipay.forms import encode_form, parse_form
from payport.adapters.alipay.signing import canonical, encoder
from payport.adapters.alipay.simulator.books import Happening
from payport.adapters.alipay.simulator.calls import wire_time
from payport.adapters.alipay.simulator.keys import Pair
from payport.schemas.events import RawNotification
from payport.sdk.testing.faults import draw

DEFAULT_STATUSES = frozenset({"TRADE_SUCCESS", "SUCCESS", "FAIL", "REFUND"})
"""What Alipay tells unless more is switched on for the product (partner sheet, section 4)."""

_V1 = frozenset({"sign", "sign_type"})
_V2 = frozenset({"sign"})


@dataclass(frozen=True, slots=True)
class Notice:
    """One event to tell. Its ``id`` is the same on every resend, its time is not."""

    id: str
    happening: Happening = field(repr=False)


class Notices(Sequence[RawNotification]):
    """What Alipay has told so far, oldest first, ready for ``gateway.receive``.

    ``statuses``: which states are told; assign to switch more on. ``copies``: how often each is delivered.
    """

    def __init__(self, app_id: str, key: Callable[[], Pair], courier: Callable[[Notice], None]) -> None:
        self.statuses: frozenset[str] = DEFAULT_STATUSES
        self.copies = 1
        self._app_id = app_id
        self._key = key
        self._courier = courier
        self._lock = Lock()
        self._told: list[tuple[Notice, RawNotification]] = []
        self._held: list[Notice] | None = None
        self._count = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._told)

    @overload
    def __getitem__(self, index: int) -> RawNotification: ...
    @overload
    def __getitem__(self, index: slice) -> list[RawNotification]: ...
    def __getitem__(self, index: int | slice) -> RawNotification | list[RawNotification]:
        with self._lock:
            raws = [raw for _, raw in self._told]
        return raws[index]

    def tell(self, happening: Happening) -> None:
        """Sign and deliver (or hold back) the notice of one happening, when its state is one that is told."""
        if happening.status not in self.statuses:
            return
        with self._lock:
            self._count += 1
            notice = Notice(f"{happening.at:%Y%m%d}00222{self._count:021d}", happening)
            if self._held is not None:
                self._held.append(notice)
                return
        self._deliver(notice)

    def hold(self) -> None:
        """Keep back what happens from now on."""
        with self._lock:
            self._held = self._held or []

    def release(self, *, copies: int = 1, shuffle_seed: int | None = None) -> list[RawNotification]:
        """Deliver what was held back, ``copies`` times each, shuffled when a seed is given; returned in that order."""
        with self._lock:
            held, self._held = self._held or [], None
        order = [notice for notice in held for _ in range(copies)]
        if shuffle_seed is not None:
            turns = {index: draw(shuffle_seed, index) for index in range(len(order))}
            order = [order[index] for index in sorted(turns, key=lambda index: turns[index])]
        return [self._deliver(notice) for notice in order]

    def sign(self, notice: Notice, at: datetime) -> RawNotification:
        """The notice as it is posted at this moment."""
        happening = notice.happening
        common = {"notify_id": notice.id, "app_id": self._app_id, "charset": happening.charset, "sign_type": "RSA2"}
        if happening.message is not None:
            stamp = str(int(at.timestamp() * 1000))
            common |= {"msg_method": happening.message, "utc_timestamp": stamp, "version": "1.1"}
        else:
            common |= {"notify_time": wire_time(at), "auth_app_id": self._app_id, "version": "1.0"}
        return self._signed({**common, **happening.fields})

    def altered(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """Another genuine notice: ``raw`` with fields changed and signed anew by Alipay (wrong amount, other app)."""
        return self._signed({**parse_form(raw.body).fields, **changes})

    def forged(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """``raw`` with some fields changed and the old signature left: what an attacker can make."""
        fields = {**parse_form(raw.body).fields, **changes}
        return _raw(fields)

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        return _raw({name: value for name, value in parse_form(raw.body).fields.items() if name != "sign"})

    def _deliver(self, notice: Notice) -> RawNotification:
        raw = self.sign(notice, notice.happening.at)
        with self._lock:
            self._told.append((notice, raw))
        for _ in range(self.copies):
            self._courier(notice)
        return raw

    def _signed(self, fields: Mapping[str, str]) -> RawNotification:
        message = canonical(fields, fields["charset"], without=_V2 if "msg_method" in fields else _V1)
        return _raw({**fields, "sign": self._key().sign(message)})


def _raw(fields: Mapping[str, str]) -> RawNotification:
    charset = fields["charset"]
    encoder(charset)
    headers = {"content-type": f"application/x-www-form-urlencoded; charset={charset}"}
    return RawNotification(body=encode_form(fields, charset), headers=headers)
