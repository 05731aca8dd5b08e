"""Debts, operations, transitions, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _name(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create everything."""
    _debts_and_operations()
    _transitions()
    _notices()


def _debts_and_operations() -> None:
    op.create_table(
        "payport_debt",
        sa.Column("ref", _name(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_payport_debt"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payport_operation",
        sa.Column("seq", _number, nullable=False),
        sa.Column("id", _name(160), nullable=False),
        sa.Column("ref", _name(64), nullable=False),
        sa.Column("verb", _name(16), nullable=False),
        sa.Column("account", _name(128), nullable=False),
        sa.Column("partner_ref", _name(128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", _name(16), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("due_at", _number, nullable=False),
        sa.Column("lease_owner", _name(128)),
        sa.Column("lease_until", _number),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("seq", name="pk_payport_operation"),
        sa.ForeignKeyConstraint(["ref"], ["payport_debt.ref"], name="fk_payport_operation_ref"),
        sa.UniqueConstraint("id", name="uq_payport_operation_id"),
        sa.UniqueConstraint("account", "partner_ref", "verb", name="uq_payport_operation_account"),
        sqlite_strict=True,
    )
    op.create_index("ix_payport_operation_due", "payport_operation", ["standing", "account", "due_at"])


def _transitions() -> None:
    op.create_table(
        "payport_transition",
        sa.Column("id", _number, nullable=False),
        sa.Column("operation", _name(160), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", _name(16), nullable=False),
        sa.Column("at", _number, nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payport_transition"),
        sa.ForeignKeyConstraint(["operation"], ["payport_operation.id"], name="fk_payport_transition_operation"),
        sa.UniqueConstraint("operation", "version", name="uq_payport_transition_operation"),
        sqlite_strict=True,
    )
    op.create_index("ix_payport_transition_delivered", "payport_transition", ["delivered"])


def _notices() -> None:
    op.create_table(
        "payport_notice",
        sa.Column("id", _number, nullable=False),
        sa.Column("partner", _name(64), nullable=False),
        sa.Column("account", _name(128), nullable=False),
        sa.Column("event_id", _name(255), nullable=False),
        sa.Column("partner_ref", _name(128)),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_payport_notice"),
        sa.UniqueConstraint("account", "event_id", "partner", name="uq_payport_notice_account"),
        sqlite_strict=True,
    )
    op.create_index("ix_payport_notice_open", "payport_notice", ["account", "applied", "partner_ref"])
