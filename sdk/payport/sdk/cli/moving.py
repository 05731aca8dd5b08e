"""``payport move-journal``: out of a file, into a database that many hosts share."""

from __future__ import annotations

from rich.console import Console

from payport.sdk.cli.configured import open_journal
from payport.sdk.opening import open_journal as open_new_journal
from payport.sdk.settings import Settings


def show_move(console: Console, source: Settings, target: Settings) -> None:
    """Move one configured journal into another, and say what went along.

    Raises :class:`payport.sdk.ConfigurationError` and :class:`payport.sdk.JournalError`.
    """
    with open_journal(source) as old, open_new_journal(target) as new:
        with console.status("copying every row"):
            counts = old.move_to(new)
        waiting = len(new.read(lambda session: session.open_operations()))
    for table, count in counts.items():
        console.print(f"{count:>9,}  {table}", highlight=False, markup=False)
    console.print(
        f"Moved: {waiting} operations are open and go on there. The old file can be read, and never written again.",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
