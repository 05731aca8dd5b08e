"""The audit trail: its chains, its records, kept exchanges, and the keys of what records tell of persons."""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import op

from payport.sdk.audit.chain import SHARED_CHAINS
from payport.sdk.journal.migrations.parts import body, make_index, make_table, name, number, sealed

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    """Create everything, and the chains with nothing in them."""
    make_table(
        "payport_audit_chain",
        sa.Column("chain", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("start", sealed(), nullable=False),
        sa.Column("seq", number(), nullable=False),
        sa.Column("hash", sealed(), nullable=False),
        sa.Column("dropped_seq", number(), nullable=False),
        sa.Column("dropped_hash", sealed(), nullable=False),
        sa.Column("dropped_at", number(), nullable=False),
        sa.Column("signed_seq", number(), nullable=False),
        sa.Column("signed_at", number(), nullable=False),
        sa.Column("since", number(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_payport_audit_chain"),
    )
    make_table(
        "payport_audit",
        sa.Column("id", number(), nullable=False, autoincrement=False),
        sa.Column("at", number(), nullable=False),
        sa.Column("about", name(160)),
        sa.Column("version", sa.Integer()),
        sa.Column("body", body(), nullable=False),
        sa.Column("hash", sealed(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_audit"),
    )
    make_index("ix_payport_audit_about", "payport_audit", ["about", "version"])
    make_table(
        "payport_audit_exchange",
        sa.Column("id", number(), nullable=False),
        sa.Column("at", number(), nullable=False),
        sa.Column("about", name(160)),
        sa.Column("endpoint", name(128), nullable=False),
        sa.Column("digest", name(64), nullable=False),
        sa.Column("sealed", sealed(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_audit_exchange"),
        sa.UniqueConstraint("digest", name="uq_payport_audit_exchange_digest"),
    )
    make_index("ix_payport_audit_exchange_about", "payport_audit_exchange", ["about"])
    make_table(
        "payport_audit_key",
        sa.Column("ref", name(64), nullable=False),
        sa.Column("sealed", sealed()),
        sa.Column("erased_at", number()),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_audit_key"),
        rowid=False,
    )
    _begin_chains()


def _begin_chains() -> None:
    connection = op.get_bind()
    since = connection.execute(sa.text("SELECT coalesce(max(id), 0) FROM payport_transition")).scalar()
    names = ("chain", "start", "seq", "hash", "dropped_seq", "dropped_hash", "dropped_at", "signed_seq", "signed_at")
    columns: list[sa.ColumnClause[object]] = [sa.column(each) for each in (*names, "since")]
    table = sa.table("payport_audit_chain", *columns)
    there = set(connection.execute(sa.select(table.c.chain)).scalars())
    for chain in range(1 if connection.dialect.name == "sqlite" else SHARED_CHAINS):
        if chain not in there:
            start = os.urandom(32)
            values = (chain, start, 0, start, 0, start, 0, 0, 0)
            connection.execute(sa.insert(table).values(**dict(zip(names, values, strict=True)), since=since))
