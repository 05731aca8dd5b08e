"""Notices that somebody changed on the way."""

from __future__ import annotations

import re
from dataclasses import replace

from payport.schemas.events import RawNotification

_NUMBER = re.compile(rb"[TCRXP]\d\d\d\b")


def of_another_order(_: object, raw: RawNotification) -> RawNotification:
    """The genuine notice with another number of ours written into it: the signature does not cover that one."""
    body, times = _NUMBER.subn(lambda found: found[0][:1] + b"998", raw.body, count=1)
    assert times, "a notice about an order names it"
    return replace(raw, body=body)
