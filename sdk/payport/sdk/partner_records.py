"""Partner records: who a partner is, by which licence and under which agreement it works, and until when.

Values and what follows from them on a day. A date that is named as the last one counts as a whole, in UTC.

::

    [partner.alipay]
    company = "Alipay.com Co., Ltd."

    [partner.alipay.licence]
    number = "Z2003133000019"
    scope = "internet payment, nationwide"
    authority = "People's Bank of China"
    valid_until = 2026-05-02
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum

from payport.schemas.classes import PERSONAL

AHEAD_DAYS = 30
"""How long before its end a paper is looked at as ending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A licence, an agreement or a certification.

    ``name``: what it is, where that is not plain (``"PCI DSS 4.0, level 1"``). ``number``: its own. ``scope``: what it
    allows or covers. ``authority``: who issued it. ``valid_until``: the last day; ``None``: it has no end.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    number: str
    name: str = ""
    scope: str = ""
    authority: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.number.strip():
            raise ValueError("number is empty; give the number that stands on the paper")
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Paper):
    """The agreement with a partner, and what it promises of its service.

    ``service_hours``: when it is there, in words. ``response_h``, ``recovery_h``: within how many hours it answers a
    fault, and has mended it. ``availability``: the share of time that it promises to work.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    service_hours: str = ""
    response_h: float | None = None
    recovery_h: float | None = None
    availability: float | None = None

    def __post_init__(self) -> None:
        super(Agreement, self).__post_init__()
        for hours in (self.response_h, self.recovery_h):
            if hours is not None and hours <= 0:
                raise ValueError("response_h and recovery_h must be more than 0")
        if self.availability is not None and not 0 < self.availability <= 1:
            raise ValueError("availability is a share: more than 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call. ``duty``: what for. The rest tells something of a person: never logged, reported or recorded."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    duty: str
    name: str = field(default="", repr=False, metadata=PERSONAL)
    phone: str = field(default="", repr=False, metadata=PERSONAL)
    email: str = field(default="", repr=False, metadata=PERSONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerRecord:
    """What is on file about a partner: the table ``[partner.NAME]``.

    ``security``: its certification of data security. ``suspended``: why nothing new goes to it now; empty when it does.
    ``block_when_ended``: whether nothing new goes to it once one of its papers has ended, or has not begun.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    company: str = ""
    licence: Paper | None = None
    agreement: Agreement | None = None
    security: Paper | None = None
    contacts: tuple[Contact, ...] = ()
    notes: str = ""
    suspended: str = ""
    block_when_ended: bool = False

    def papers(self) -> Iterator[tuple[str, Paper]]:
        """What there is of licence, agreement and certification, by these names."""
        for what, paper in (("licence", self.licence), ("agreement", self.agreement), ("security", self.security)):
            if paper is not None:
                yield what, paper


class Standing(Enum):
    """How a paper stands on a day."""

    VALID = "valid"
    ENDING = "ending"
    """Valid, and soon no more."""
    ENDED = "ended"
    NOT_BEGUN = "not_begun"


def standing(paper: Paper, today: date, ahead_days: float = AHEAD_DAYS) -> Standing:
    """How a paper stands today; ``ahead_days`` before its last day it is ending."""
    if paper.valid_from is not None and today < paper.valid_from:
        return Standing.NOT_BEGUN
    if paper.valid_until is None:
        return Standing.VALID
    if today > paper.valid_until:
        return Standing.ENDED
    return Standing.ENDING if today > paper.valid_until - timedelta(days=ahead_days) else Standing.VALID


def why_blocked(partner: str, record: PartnerRecord, today: date) -> str | None:
    """Why nothing new may go to a partner today, in words; ``None`` when it may."""
    if record.suspended:
        return f"{partner} is suspended: {record.suspended}"
    if not record.block_when_ended:
        return None
    for what, paper in record.papers():
        match standing(paper, today):
            case Standing.ENDED:
                return f"the {what} {paper.number} of {partner} ended on {paper.valid_until}"
            case Standing.NOT_BEGUN:
                return f"the {what} {paper.number} of {partner} begins on {paper.valid_from}"
            case Standing.VALID | Standing.ENDING:
                continue
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperState:
    """One paper of a partner on a day. ``days_left``: until its last day, below zero after it; ``None``: no end."""

    what: str
    paper: Paper
    standing: Standing
    days_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """A partner's record on a day, for reports. Nothing of a person is in it but how many ``contacts`` there are.

    ``blocked``: why nothing new goes to it. ``missing``: which of the three papers are not on file.
    """

    partner: str
    record: PartnerRecord
    papers: tuple[PaperState, ...]
    blocked: str | None
    missing: tuple[str, ...]

    @property
    def in_order(self) -> bool:
        """Whether every paper is there and valid, and nothing is blocked."""
        valid = all(each.standing in (Standing.VALID, Standing.ENDING) for each in self.papers)
        return valid and not self.missing and self.blocked is None

    def detail(self) -> dict[str, str]:
        """The record in flat words, without persons: for the audit trail."""
        told = {"company": self.record.company}
        for each in self.papers:
            until = f" until {each.paper.valid_until}" if each.paper.valid_until else ""
            told[each.what] = f"{each.paper.number}{until} ({each.standing.value})"
            told[f"{each.what}_scope"] = each.paper.scope
            told[f"{each.what}_authority"] = each.paper.authority
        told["service"] = "; ".join(service(self.record.agreement)) if self.record.agreement else ""
        told["missing"] = ", ".join(self.missing)
        told["blocked"] = self.blocked or ""
        return {name: text for name, text in told.items() if text}


def service(agreement: Agreement) -> Iterator[str]:
    """What an agreement promises, in words."""
    if agreement.service_hours:
        yield agreement.service_hours
    if agreement.response_h is not None:
        yield f"answers within {agreement.response_h:g} h"
    if agreement.recovery_h is not None:
        yield f"mends within {agreement.recovery_h:g} h"
    if agreement.availability is not None:
        yield f"works {agreement.availability * 100:g} % of the time"


def describe(
    records: Mapping[str, PartnerRecord], today: date, *, ahead_days: float = AHEAD_DAYS
) -> Sequence[RecordState]:
    """How the records of all partners stand today, by the partners' names."""
    return [_describe(partner, records[partner], today, ahead_days) for partner in sorted(records)]


def _describe(partner: str, record: PartnerRecord, today: date, ahead_days: float) -> RecordState:
    papers = tuple(
        PaperState(
            what=what,
            paper=paper,
            standing=standing(paper, today, ahead_days),
            days_left=None if paper.valid_until is None else (paper.valid_until - today).days,
        )
        for what, paper in record.papers()
    )
    there = {each.what for each in papers}
    return RecordState(
        partner=partner,
        record=record,
        papers=papers,
        blocked=why_blocked(partner, record, today),
        missing=tuple(what for what in ("licence", "agreement", "security") if what not in there),
    )


def endings(states: Iterable[RecordState]) -> Iterator[tuple[str, PaperState]]:
    """The papers that have ended or will soon, each with its partner."""
    for state in states:
        for each in state.papers:
            if each.standing in (Standing.ENDING, Standing.ENDED):
                yield state.partner, each
