"""The audit trail: its chains, its records, and the keys of what they tell of persons."""

from __future__ import annotations

import os
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"

SHARED_CHAINS: Final = 16
"""So many transactions of a database server append at the same moment. SQLite has one writer, and one chain."""

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _name(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create everything, and the chains with nothing in them."""
    op.create_table(
        "payport_audit_chain",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("start", sa.LargeBinary(), nullable=False),
        sa.Column("seq", _number, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("dropped_seq", _number, nullable=False),
        sa.Column("dropped_hash", sa.LargeBinary(), nullable=False),
        sa.Column("dropped_at", _number, nullable=False),
        sa.Column("signed_seq", _number, nullable=False),
        sa.Column("signed_at", _number, nullable=False),
        sa.Column("since", _number, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_payport_audit_chain"),
        sqlite_strict=True,
    )
    op.create_table(
        "payport_audit",
        sa.Column("id", _number, nullable=False),
        sa.Column("at", _number, nullable=False),
        sa.Column("about", _name(160)),
        sa.Column("version", sa.Integer()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_audit"),
        sqlite_strict=True,
    )
    op.create_index("ix_payport_audit_about", "payport_audit", ["about", "version"])
    op.create_table(
        "payport_audit_key",
        sa.Column("ref", _name(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("erased_at", _number),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_audit_key"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _begin_chains()


def _begin_chains() -> None:
    connection = op.get_bind()
    since = connection.execute(sa.text("SELECT coalesce(max(id), 0) FROM payport_transition")).scalar()
    names = ("chain", "start", "seq", "hash", "dropped_seq", "dropped_hash", "dropped_at", "signed_seq", "signed_at")
    table = sa.table("payport_audit_chain", *[sa.column(name) for name in (*names, "since")])
    count = 1 if connection.dialect.name == "sqlite" else SHARED_CHAINS
    for chain in range(count):
        start = os.urandom(32)
        values = (chain, start, 0, start, 0, start, 0, 0, 0)
        connection.execute(sa.insert(table).values(**dict(zip(names, values, strict=True)), since=since))
