"""The statements of the audit trail. A record's number holds both its chain and its place in it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, and_, bindparam, case, delete, func, insert, select, update

from payport.sdk.journal.statements import Statement, compiled
from payport.sdk.journal.tables import audit_chains, audit_exchanges, audit_keys, audit_records, transitions

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal.backends.backend import Backend

PLACES: Final = 2**48
"""The places of one chain. A record's id is its chain times this, plus its place: rows of a chain lie together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditStatements:
    """What a session says to the database about the audit trail."""

    chains: Statement
    free_chain: Statement
    lock_chain: Statement
    move_head: Statement
    add_record: Statement
    records: Statement
    records_between: Statement
    records_of_debt: Statement
    record_hash: Statement
    untold: Statement
    newest_told: Statement
    unfounded: Statement
    told_twice: Statement
    drop_records: Statement
    move_dropped: Statement
    move_signed: Statement
    data_key: Statement
    add_data_key: Statement
    erase_data_key: Statement
    add_exchange: Statement
    exchange: Statement
    erase_exchanges: Statement
    drop_exchanges: Statement


def compile_audit_statements(dialect: Dialect, backend: Backend) -> AuditStatements:
    """All of them in the spelling of one database."""
    core = {**_on_chains(), **_on_records(), **_on_transitions(), **_on_keys(backend), **_on_exchanges()}
    return AuditStatements(**{item.name: compiled(core[item.name], dialect) for item in fields(AuditStatements)})


def _on_chains() -> dict[str, ClauseElement]:
    table = audit_chains.c
    read = select(table.chain, table.seq, table.hash)
    told = bindparam("told", type_=BigInteger())
    this = update(audit_chains).where(table.chain == bindparam("p_chain"))
    return {
        "chains": select(
            table.chain, table.start, table.dropped_seq, table.dropped_hash, table.seq, table.hash, table.signed_seq,
            table.signed_at,
        ).order_by(table.chain),
        "free_chain": read.order_by(table.chain).limit(1).with_for_update(skip_locked=True),
        "lock_chain": read.where(table.chain == bindparam("chain")).with_for_update(),
        # compared with what it was: no two records can follow on the same one
        "move_head": this.where(table.seq == bindparam("p_seq"), table.hash == bindparam("p_hash")).values(
            seq=bindparam("seq"), hash=bindparam("hash")
        ),
        "move_dropped": this.where(table.dropped_seq == bindparam("p_seq")).values(
            dropped_seq=bindparam("seq"), dropped_hash=bindparam("hash"), dropped_at=bindparam("at"),
            since=case((table.since < told, told), else_=table.since),
        ),
        # forward only: of two that sign the slower one must not turn it back
        "move_signed": this.where(table.signed_seq < bindparam("seq")).values(
            signed_seq=bindparam("seq"), signed_at=bindparam("at")
        ),
    }  # fmt: skip


def _on_records() -> dict[str, ClauseElement]:
    table = audit_records.c
    read = select(table.id, table.at, table.about, table.version, table.body, table.hash)
    columns = ("id", "at", "about", "version", "body", "hash")
    within = (table.id > bindparam("after"), table.id <= bindparam("last"))
    return {
        "add_record": insert(audit_records).values({name: bindparam(name) for name in columns}).inline(),
        "records": read.where(*within).order_by(table.id).limit(bindparam("limit")),
        "records_between": read.where(*within, table.at >= bindparam("begins"), table.at < bindparam("ends"))
        .order_by(table.id)
        .limit(bindparam("limit")),
        "records_of_debt": read.where(table.about >= bindparam("first"), table.about < bindparam("last")).order_by(
            table.at, table.id
        ),
        "record_hash": select(table.hash).where(table.id == bindparam("id")),
        "drop_records": delete(audit_records).where(*within),
    }


def _on_transitions() -> dict[str, ClauseElement]:
    table = audit_records.c
    same = and_(table.about == transitions.c.operation, table.version == transitions.c.version)
    # those from before there was a trail have no record, and those whose records were taken out have none any more;
    # earlier versions noted of the latter only how old they were
    begun = select(func.max(audit_chains.c.since)).scalar_subquery()
    dropped = select(func.max(audit_chains.c.dropped_at)).scalar_subquery()
    return {
        "untold": select(transitions.c.operation, transitions.c.version)
        .select_from(transitions.outerjoin(audit_records, same))
        .where(transitions.c.id > begun, transitions.c.at >= dropped, table.id.is_(None))
        .order_by(transitions.c.id)
        .limit(bindparam("limit")),
        "newest_told": select(func.max(transitions.c.id))
        .select_from(audit_records.join(transitions, same))
        .where(table.id > bindparam("after"), table.id <= bindparam("last")),
        "unfounded": select(table.about, table.version)
        .select_from(audit_records.outerjoin(transitions, same))
        .where(table.version.is_not(None), transitions.c.id.is_(None))
        .limit(bindparam("limit")),
        "told_twice": select(table.about, table.version)
        .where(table.version.is_not(None))
        .group_by(table.about, table.version)
        .having(func.count() > 1)
        .limit(bindparam("limit")),
    }


def _on_keys(backend: Backend) -> dict[str, ClauseElement]:
    table = audit_keys.c
    return {
        "data_key": select(table.sealed, table.erased_at).where(table.ref == bindparam("ref")),
        "add_data_key": backend.insert_absent(audit_keys, ("ref", "sealed"), ("ref",)),
        # the row stays, so that no new key is made for what was erased
        "erase_data_key": update(audit_keys)
        .where(table.ref == bindparam("p_ref"))
        .values(sealed=None, erased_at=bindparam("at")),
    }


def _on_exchanges() -> dict[str, ClauseElement]:
    table = audit_exchanges.c
    columns = ("at", "about", "endpoint", "digest", "sealed")
    return {
        "add_exchange": insert(audit_exchanges).values({name: bindparam(name) for name in columns}).inline(),
        "exchange": select(table.endpoint, table.sealed).where(table.digest == bindparam("digest")),
        "erase_exchanges": delete(audit_exchanges).where(
            table.about >= bindparam("first"), table.about < bindparam("last")
        ),
        "drop_exchanges": delete(audit_exchanges).where(table.at < bindparam("before")),
    }
