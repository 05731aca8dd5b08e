"""Notifications: encrypted, signed, kept for tests to hand over, and posted when there is somewhere to post to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import cast
from uuid import UUID

from payport.adapters.wechatpay.simulator.books import Happening
from payport.adapters.wechatpay.simulator.calls import wire_time
from payport.adapters.wechatpay.simulator.keys import Cabinet, PlatformKey, pair, seal, unseal
from payport.adapters.wechatpay.simulator.replies import Seal, nonce_of
from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox

ACCEPTED = (200, 204)
_BODY_KEY = "resource"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event to tell. Its body is the same on every resend; time stamp, nonce and signature are not."""

    number: int
    body: bytes = field(repr=False)


class Notices(Mailbox):
    """What WeChat has told so far, oldest first, ready for ``gateway.receive``.

    ``copies``: how often each is delivered. ``probes``: how many of the next deliveries carry a probe signature first.
    """

    def __init__(self, cabinet: Cabinet, clock: Callable[[], datetime], deliver: Callable[[Letter], None]) -> None:
        super().__init__(deliver)
        self.probes = 0
        self._cabinet = cabinet
        self._clock = clock
        self._numbers = count(1)
        self._turns = count(1)

    def tell(self, happening: Happening) -> None:
        """Encrypt, sign and deliver (or hold back) the notice of one happening."""
        number = next(self._numbers)
        resource = _sealed(happening.fields, happening.original_type, nonce_of(number, "resource")[:12])
        body = {
            "id": str(UUID(int=number + (0xEA2A5C34 << 96), version=4)),
            "create_time": wire_time(happening.at),
            "resource_type": "encrypt-resource",
            "event_type": happening.event_type,
            "summary": happening.summary,
            "resource": resource,
        }
        notice = Notice(number, _written(body))
        self.post(Letter(lambda: self.sign(notice), happening.notify_url))

    def sign(self, notice: Notice) -> RawNotification:
        """The notice as it is posted at this moment."""
        probe = self.probes > 0
        self.probes -= probe
        return self.signed(notice.body, probe=probe, key=self._cabinet.notifying(notice.number))

    def signed(
        self,
        body: bytes,
        *,
        probe: bool = False,
        typed: bool = True,
        age: timedelta = timedelta(0),
        key: PlatformKey | None = None,
    ) -> RawNotification:
        """Any body, signed by WeChat: ``age`` ago, with ``key`` or the one whose turn it is."""
        turn = next(self._turns)
        chosen = self._cabinet.notifying(turn) if key is None else key
        nonce = nonce_of(turn, "notice")
        sealed = Seal(key=chosen, at=self._clock() - age, nonce=nonce, typed=typed, probe=probe)
        return RawNotification(body=body, headers={"Content-Type": "application/json", **sealed.headers(body)})

    def opened(self, raw: RawNotification) -> dict[str, object]:
        """What a notice says, decrypted."""
        resource = cast("dict[str, str]", _fields(raw.body)[_BODY_KEY])
        return _fields(unseal(resource).encode())

    def altered(self, raw: RawNotification, changes: Mapping[str, object], **outside: object) -> RawNotification:
        """Another genuine notice: ``raw`` with what it says changed, encrypted and signed anew.

        ``outside``: members beside the resource, such as ``event_type``.
        """
        body = _fields(raw.body)
        resource = cast("dict[str, str]", body[_BODY_KEY])
        content = {**self.opened(raw), **changes}
        nonce = nonce_of(next(self._numbers), "resource")[:12]
        body |= {**outside, _BODY_KEY: _sealed(content, resource["original_type"], nonce)}
        return self.signed(_written(body))

    def forged(self, raw: RawNotification, changes: Mapping[str, object]) -> RawNotification:
        """``raw`` with members of its body changed and the old signature left: what an attacker can make."""
        return RawNotification(body=_written({**_fields(raw.body), **changes}), headers=raw.headers)

    def impostor(self, raw: RawNotification) -> RawNotification:
        """``raw`` signed with a key that is not WeChat's, under the id of one that is."""
        named = self._cabinet.answering(None)
        return self.signed(raw.body, key=PlatformKey(id=named.id, pair=pair("foreign")))

    def stale(self, raw: RawNotification, age_s: float) -> RawNotification:
        """``raw`` as it was signed ``age_s`` ago: a replay."""
        return self.signed(raw.body, age=timedelta(seconds=age_s))

    def probed(self, raw: RawNotification) -> RawNotification:
        """``raw`` with one of WeChat's deliberately wrong signatures."""
        return self.signed(raw.body, probe=True)

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        headers = {name: value for name, value in raw.headers.items() if not name.startswith("Wechatpay-")}
        return RawNotification(body=raw.body, headers=headers)


def accepted(answer: Acknowledgement) -> bool:
    """Whether WeChat takes an answer for an acknowledgement: by its status, whatever the body says."""
    return answer.status in ACCEPTED


def _sealed(content: Mapping[str, object], original_type: str, nonce: str) -> dict[str, str]:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return {"original_type": original_type, **seal(text, nonce=nonce, associated_data=original_type)}


def _written(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _fields(body: bytes) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(body))
