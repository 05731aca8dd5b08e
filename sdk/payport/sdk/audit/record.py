"""What one record of the audit trail says: who did what, when, with what result, from where, to what.

The six are those of PCI DSS 10.2.2. A record's body is canonical JSON (:mod:`payport.sdk.audit.canonical`)::

    {"chain":0,"detail":{"from":"doubt","source":"reply"},
     "object":{"account":"alipay:2021","operation":"SHOP0001/pay//1","partner":"alipay","ref":"SHOP0001","version":1},
     "origin":{"host":"till-3","library":"1.0.0","process":4711},
     "result":"succeeded","seq":17,"v":1,"what":"pay","when":"2026-01-31T12:00:00.123456Z","who":"till-3"}

``sealed`` is there where the record tells something of a person: the base64 text of
:func:`payport.sdk.audit.personal.seal_personal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias, cast

from payport.schemas.encoding import instant_text
from payport.sdk.audit.canonical import Canonical, canonical_text, parse_canonical, quoted, well_formed
from payport.sdk.card_numbers import mask_card_numbers, may_hold_card_number

VERSION: Final = 1
"""The version of a body. A reader refuses one that it does not know, and proves it all the same."""

MAX_TEXT: Final = 512
"""The longest text of a detail, in characters; a longer one is cut, and says so with its last character."""

Detail: TypeAlias = Mapping[str, str | int]


def _nothing() -> Detail:
    return {}


class What(StrEnum):
    """What is recorded beside the transitions of operations, which are recorded under their verbs."""

    NOTICE_KEPT = "notice.kept"
    NOTICE_REJECTED = "notice.rejected"
    ORDER_HELD = "order.held"
    """A rule on abnormal transactions holds an order back."""
    ORDER_RELEASED = "order.released"
    """A person let it go."""
    INCIDENT_ACKNOWLEDGED = "incident.acknowledged"
    """A person took an incident on."""
    INCIDENT_RESOLVED = "incident.resolved"
    """A person said that an incident is over."""
    REFUSED = "permission.refused"
    """Somebody asked for something that is not permitted to him."""
    ACKNOWLEDGED = "changes.acknowledged"
    JOURNAL_OPENED = "journal.opened"
    """A process began to write, with the audit trail on."""
    AUDIT_OFF = "audit.off"
    """A process began to write with the audit trail switched off: what it did is not recorded."""
    ACCOUNT_OPENED = "account.opened"
    """A gateway for an account was opened: what it was configured with."""
    PARTNER_RECORD = "partner.record"
    """What is known of a partner's licence and agreement."""
    EXCHANGE = "exchange"
    """A request and what came of it were kept, sealed: the digest tells which."""
    EXCHANGE_OPENED = "exchange.opened"
    HEAD = "audit.head"
    """A head of this chain was signed and kept elsewhere."""
    EXPORTED = "audit.exported"
    ARCHIVED = "audit.archived"
    DROPPED = "audit.dropped"
    ERASED = "personal.erased"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record was written: the machine, the process, and the version of this library."""

    host: str
    process: int
    library: str
    text: str = field(init=False, repr=False, compare=False)
    """Its canonical text, made once: it stands in every record."""

    def __post_init__(self) -> None:
        content: Canonical = {"host": well_formed(self.host), "library": self.library, "process": self.process}
        object.__setattr__(self, "text", canonical_text(content))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded, before it has its place in a chain.

    ``what``: a verb (``pay``) or an event (``notice.rejected``); ``result``: how it ended, in one word. ``ref``,
    ``operation``, ``version``, ``partner``, ``account``: what it is about, as far as it is about that; ``version`` is
    that of the operation, and stands for one transition. ``detail``: more about it, nothing of a person and no secret;
    card numbers in it are masked. ``personal``: what tells something of a person; sealed under the debt's own key, or
    left out where there is no key. ``who``: the actor, when it is another than the one whose transaction this is.
    """

    what: str
    result: str
    at: datetime
    ref: str = ""
    operation: str = ""
    version: int | None = None
    partner: str = ""
    account: str = ""
    detail: Detail = field(default_factory=_nothing)
    personal: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    who: str = ""

    def body(self, *, chain: int, seq: int, who: str, origin: Origin, sealed: str = "") -> str:
        """The canonical text of this record at its place. ``sealed``: its personal part, when it has one."""
        about = self._about()
        # put together by hand, key by key in canonical order: a third of what sorting and walking would cost
        text = (
            f'{{"chain":{chain},"detail":{_detail_text(self.detail)},"object":{about},"origin":{origin.text},'
            f'"result":{quoted(self.result)},'
            + (f'"sealed":"{sealed}",' if sealed else "")
            + f'"seq":{seq},"v":{VERSION},"what":{quoted(self.what)},"when":"{instant_text(self.at)}",'
            f'"who":{_who_text(self.who or who)}}}'
        )
        return text if text.isascii() else well_formed(text)

    def _about(self) -> str:
        if self.operation and self.version is not None:  # a transition has them all
            return (
                f'{{"account":{quoted(self.account)},"operation":{quoted(self.operation)},'
                f'"partner":{quoted(self.partner)},"ref":{quoted(self.ref)},"version":{self.version}}}'
            )
        pieces = [
            f'"{name}":{quoted(value)}'
            for name, value in (
                ("account", self.account),
                ("operation", self.operation),
                ("partner", self.partner),
                ("ref", self.ref),
            )
            if value
        ]
        if self.version is not None:
            pieces.append(f'"version":{self.version}')
        return "{" + ",".join(pieces) + "}"


def about(operation: str, ref: str) -> str | None:
    """What a record is found by: the operation's id, ``<ref>/`` for a debt as a whole, ``None`` for anything else.

    Everything about a debt lies between ``<ref>/`` and ``<ref>0``, as its operations do.
    """
    return operation or (f"{ref}/" if ref else None)


def _detail_text(detail: Detail) -> str:
    pieces: list[str] = []
    for key in sorted(detail):  # its keys are our own words, so code points and UTF-16 sort alike
        value = detail[key]
        pieces.append(f"{quoted(key)}:{quoted(_clean(value)) if type(value) is str else canonical_text(value)}")
    return "{" + ",".join(pieces) + "}"


@lru_cache(maxsize=256)
def _who_text(who: str) -> str:
    return quoted(_clean(who))


def _clean(text: str) -> str:
    text = well_formed(text)
    if may_hold_card_number(text):
        text = mask_card_numbers(text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it was read: the fields of :class:`Entry` and its place."""

    chain: int
    seq: int
    who: str
    what: str
    when: datetime
    result: str
    origin: Origin
    ref: str = ""
    operation: str = ""
    version: int | None = None
    partner: str = ""
    account: str = ""
    detail: Detail = field(default_factory=_nothing)
    sealed: str = field(default="", repr=False)


def read_record(body: str) -> Record:
    """The record of a body. Raises ``ValueError`` when it is none that this version can read."""
    content = parse_canonical(body)
    try:
        return _record(cast("Mapping[str, Canonical]", content))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not the body of a record") from error


def _record(content: Mapping[str, Canonical]) -> Record:
    if content["v"] != VERSION:
        raise ValueError(f"a record of version {content['v']}: a newer version of payport wrote it")
    about = cast("Mapping[str, Canonical]", content["object"])
    origin = cast("Mapping[str, Canonical]", content["origin"])
    version = about.get("version")
    return Record(
        chain=_number(content["chain"]),
        seq=_number(content["seq"]),
        who=_word(content["who"]),
        what=_word(content["what"]),
        when=datetime.strptime(_word(content["when"]), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
        result=_word(content["result"]),
        origin=Origin(_word(origin["host"]), _number(origin["process"]), _word(origin["library"])),
        ref=_word(about.get("ref", "")),
        operation=_word(about.get("operation", "")),
        version=None if version is None else _number(version),
        partner=_word(about.get("partner", "")),
        account=_word(about.get("account", "")),
        detail=cast("Detail", content["detail"]),
        sealed=_word(content.get("sealed", "")),
    )


def _word(value: Canonical) -> str:
    if type(value) is not str:
        raise TypeError("expected a text")
    return value


def _number(value: Canonical) -> int:
    if type(value) is not int:
        raise TypeError("expected an integer")
    return value
