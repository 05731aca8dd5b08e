"""Incidents, payments that are held, and how far the stream of transitions was read."""

from __future__ import annotations

import sqlalchemy as sa

from payport.sdk.journal.migrations.parts import body, make_index, make_table, name, number

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create everything."""
    make_table(
        "payport_incident",
        sa.Column("id", number(), nullable=False),
        sa.Column("key", name(255), nullable=False),
        sa.Column("live", name(255)),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", body(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_incident"),
        sa.UniqueConstraint("live", name="uq_payport_incident_live"),
    )
    make_index("ix_payport_incident_key", "payport_incident", ["key"])
    make_index("ix_payport_incident_settled", "payport_incident", ["settled"])
    make_table(
        "payport_hold",
        sa.Column("ref", name(64), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("body", body(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_hold"),
        rowid=False,
    )
    make_table(
        "payport_cursor",
        sa.Column("name", name(64), nullable=False),
        sa.Column("place", number(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_payport_cursor"),
        rowid=False,
    )
