"""UnionPay's times: Beijing time without an offset, and the clearing day that ends at 23:00."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
CUT_OFF = timedelta(hours=23)
"""When a clearing day ends in production; the test environment's ends at about 13:30."""

_STAMP = re.compile(r"\d{14}", re.ASCII)
_SHORT = re.compile(r"\d{10}", re.ASCII)


def stamp(moment: datetime) -> str:
    """An instant as ``txnTime`` and ``payTimeout`` write it: ``yyyyMMddHHmmss``."""
    return f"{moment.astimezone(BEIJING):%Y%m%d%H%M%S}"


def from_stamp(text: str) -> datetime:
    """The instant that UnionPay means. Raises ``ValueError``."""
    if not _STAMP.fullmatch(text):
        raise ValueError("not a time such as 20260131120000")
    try:
        return datetime.strptime(text + "+0800", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before all that there are") from None


def near(short: str, txn_time: str) -> datetime | None:
    """``traceTime`` (``MMddHHmmss``, no year) as the instant nearest to ``txnTime``; ``None`` when one is no time."""
    try:
        about = from_stamp(txn_time)
    except ValueError:
        return None
    year = about.astimezone(BEIJING).year
    found: list[datetime] = []
    for candidate in (year - 1, year, year + 1) if _SHORT.fullmatch(short) else ():
        try:
            found.append(from_stamp(f"{candidate}{short}"))
        except ValueError:
            continue  # 29 February exists in one year in four, month 13 in none
    return min(found, key=lambda moment: abs(moment - about), default=None)


def clearing_day(moment: datetime) -> date:
    """The clearing day of an instant: from 23:00 on it is the next one."""
    return (moment.astimezone(BEIJING) + timedelta(days=1) - CUT_OFF).date()


def same_clearing_day(one: datetime, other: datetime) -> bool:
    """Whether both belong to one clearing day: only then can a payment be undone."""
    return clearing_day(one) == clearing_day(other)


def end_of_clearing_day(moment: datetime) -> datetime:
    """When the clearing day ends that ``moment`` is in."""
    midnight = datetime.combine(clearing_day(moment), time(), BEIJING)
    return (midnight + CUT_OFF).astimezone(UTC)


def end_of_both_days(moment: datetime) -> datetime:
    """When the first of the two days ends that ``moment`` is in, the clearing day's or the calendar's."""
    local = moment.astimezone(BEIJING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = (midnight + CUT_OFF, midnight + timedelta(days=1))
    return next(end for end in ends if end > local).astimezone(UTC)
