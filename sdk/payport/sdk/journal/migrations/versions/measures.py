"""What is counted of calls for scorecards."""

from __future__ import annotations

import sqlalchemy as sa

from payport.sdk.journal.migrations.parts import make_table, name, number

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create everything."""
    make_table(
        "payport_measure",
        sa.Column("day", name(10), nullable=False),
        sa.Column("partner", name(64), nullable=False),
        sa.Column("account", name(128), nullable=False),
        sa.Column("endpoint", name(128), nullable=False),
        sa.Column("measure", name(64), nullable=False),
        sa.Column("number", number(), nullable=False),
        sa.PrimaryKeyConstraint("day", "partner", "account", "endpoint", "measure", name="pk_payport_measure"),
        rowid=False,
    )
