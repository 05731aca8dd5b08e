"""Debts, operations, transitions, notices."""

from __future__ import annotations

import sqlalchemy as sa

from payport.sdk.journal.migrations.parts import body, make_index, make_table, name, number, sealed

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    _debts_and_operations()
    _transitions()
    _notices()


def _debts_and_operations() -> None:
    make_table(
        "payport_debt",
        sa.Column("ref", name(64), nullable=False),
        sa.Column("body", body(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_debt"),
        rowid=False,
    )
    make_table(
        "payport_operation",
        sa.Column("seq", number(), nullable=False),
        sa.Column("id", name(160), nullable=False),
        sa.Column("ref", name(64), nullable=False),
        sa.Column("verb", name(16), nullable=False),
        sa.Column("account", name(128), nullable=False),
        sa.Column("partner_ref", name(128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", name(16), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("due_at", number(), nullable=False),
        sa.Column("lease_owner", name(128)),
        sa.Column("lease_until", number()),
        sa.Column("body", body(), nullable=False),
        sa.Column("sealed", sealed()),
        sa.PrimaryKeyConstraint("seq", name="pk_payport_operation"),
        sa.ForeignKeyConstraint(["ref"], ["payport_debt.ref"], name="fk_payport_operation_ref"),
        sa.UniqueConstraint("id", name="uq_payport_operation_id"),
        sa.UniqueConstraint("account", "partner_ref", "verb", name="uq_payport_operation_account"),
    )
    make_index("ix_payport_operation_due", "payport_operation", ["standing", "account", "due_at"])


def _transitions() -> None:
    make_table(
        "payport_transition",
        sa.Column("id", number(), nullable=False),
        sa.Column("operation", name(160), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", name(16), nullable=False),
        sa.Column("at", number(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("body", body(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_transition"),
        sa.ForeignKeyConstraint(["operation"], ["payport_operation.id"], name="fk_payport_transition_operation"),
        sa.UniqueConstraint("operation", "version", name="uq_payport_transition_operation"),
    )
    make_index("ix_payport_transition_delivered", "payport_transition", ["delivered"])


def _notices() -> None:
    make_table(
        "payport_notice",
        sa.Column("id", number(), nullable=False),
        sa.Column("partner", name(64), nullable=False),
        sa.Column("account", name(128), nullable=False),
        sa.Column("event_id", name(255), nullable=False),
        sa.Column("partner_ref", name(128)),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("body", body(), nullable=False),
        sa.Column("sealed", sealed()),
        sa.PrimaryKeyConstraint("id", name="pk_payport_notice"),
        sa.UniqueConstraint("account", "event_id", "partner", name="uq_payport_notice_account"),
    )
    make_index("ix_payport_notice_open", "payport_notice", ["account", "applied", "partner_ref"])
