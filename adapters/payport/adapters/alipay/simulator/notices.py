"""Notifications: signed like Alipay's, kept for tests to hand over, and posted when there is somewhere to post to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from payport.adapters.alipay.forms import encode_form, parse_form
from payport.adapters.alipay.signing import canonical, encoder
from payport.adapters.alipay.simulator.books import Happening
from payport.adapters.alipay.simulator.calls import wire_time
from payport.adapters.alipay.simulator.keys import Pair
from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox

DEFAULT_STATUSES = frozenset({"TRADE_SUCCESS", "SUCCESS", "FAIL", "REFUND"})
"""What Alipay tells unless more is switched on for the product."""

_V1 = frozenset({"sign", "sign_type"})
_V2 = frozenset({"sign"})


@dataclass(frozen=True, slots=True)
class Notice:
    """One event to tell. Its ``id`` is the same on every resend, its time is not."""

    id: str
    happening: Happening = field(repr=False)


class Notices(Mailbox):
    """What Alipay has told so far, oldest first, ready for ``gateway.receive``.

    ``statuses``: which states are told; assign to switch more on. ``copies``: how often each is delivered.
    """

    def __init__(
        self, app_id: str, key: Callable[[], Pair], now: Callable[[], datetime], deliver: Callable[[Letter], None]
    ) -> None:
        super().__init__(deliver)
        self.statuses: frozenset[str] = DEFAULT_STATUSES
        self._app_id = app_id
        self._key = key
        self._now = now
        self._numbers = count(1)

    def tell(self, happening: Happening) -> None:
        """Sign and deliver (or hold back) the notice of one happening, when its state is one that is told."""
        if happening.status not in self.statuses:
            return
        notice = Notice(f"{happening.at:%Y%m%d}00222{next(self._numbers):021d}", happening)
        self.post(Letter(lambda: self.sign(notice, self._now()), happening.notify_url))

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

    def _signed(self, fields: Mapping[str, str]) -> RawNotification:
        message = canonical(fields, fields["charset"], without=_V2 if "msg_method" in fields else _V1)
        return _raw({**fields, "sign": self._key().sign(message)})


def _raw(fields: Mapping[str, str]) -> RawNotification:
    charset = fields["charset"]
    encoder(charset)
    headers = {"content-type": f"application/x-www-form-urlencoded; charset={charset}"}
    return RawNotification(body=encode_form(fields, charset), headers=headers)
