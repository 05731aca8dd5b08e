"""Incidents, payments that are held, and how far the stream of transitions was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0001"

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _name(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "payport_incident",
        sa.Column("id", _number, nullable=False),
        sa.Column("key", _name(255), nullable=False),
        sa.Column("live", _name(255)),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_incident"),
        sa.UniqueConstraint("live", name="uq_payport_incident_live"),
        sqlite_strict=True,
    )
    op.create_index("ix_payport_incident_key", "payport_incident", ["key"])
    op.create_index("ix_payport_incident_settled", "payport_incident", ["settled"])
    op.create_table(
        "payport_hold",
        sa.Column("ref", _name(64), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_hold"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payport_cursor",
        sa.Column("name", _name(64), nullable=False),
        sa.Column("place", _number, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_payport_cursor"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
