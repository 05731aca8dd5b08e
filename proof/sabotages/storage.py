"""Sabotages of what is written down, and of what is told when it cannot be."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

SABOTAGES = (
    Sabotage(
        what="a failure of the journal is told as a refusal by the partner",
        cut=Cut("sdk.operations.learning:lost", "state=State.DOUBT,", "state=State.DECLINED,"),
        breaks=frozenset({"Declined"}),
    ),
    Sabotage(
        what="a failure of the journal is thrown at who pays",
        cut=Cut(
            "sdk.operations.learning:learn",
            "except JournalError as error:",
            "except JournalError as error:\n            raise",
        ),
        breaks=frozenset({"Errors"}),
    ),
    Sabotage(
        what="the steps that follow the payer's return are sent without being written down",
        cut=Cut(
            "sdk.operations.extending:add_steps",
            "return session.save(\n            replace(current, steps=current.steps + plan.steps), "
            'source="local", detail={"steps": names}, now=now\n        )',
            "return replace(current, steps=current.steps + plan.steps)",
        ),
        breaks=frozenset({"I2"}),
    ),
    Sabotage(
        what="a notice that came before counts again",
        cut=Cut(
            "sdk.operations.receiving:_keep",
            "if not session.add_notice(notice):",
            "session.add_notice(notice)\n    if False:",
        ),
        breaks=frozenset({"I8"}),
    ),
    Sabotage(
        what="a notice that could not be kept is acknowledged",
        cut=Cut(
            "sdk.operations.receiving:receive",
            'yield from storage_failed(setup, "keep notice", error)\n            break',
            "return Verified(event=opened.event, acknowledgement=opened.acknowledgement, first_seen=True)",
        ),
        breaks=frozenset({"I8"}),
    ),
    Sabotage(
        what="the end of an operation is never delivered as a change",
        cut=Cut(
            "sdk.journal.sql_session:SqlSession._tell",
            '"delivered": 0 if news else 1,',
            '"delivered": int(operation.state.final),',
        ),
        breaks=frozenset({"I8"}),
    ),
)
