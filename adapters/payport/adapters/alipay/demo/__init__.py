"""``payport demo``: payments made, doubted, resolved, refunded and notified over real TLS and genuine signatures.

Loaded by the command line only; needs the extra ``cli``. Money and payers are the simulator's.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from payport.adapters.alipay.demo.books import compare, show
from payport.adapters.alipay.demo.scenes import SCENES
from payport.adapters.alipay.demo.stage import Stage


def run(console: Console, folder: Path) -> bool:
    """Play every scene, with settings and journal in the empty ``folder``; whether all went well and agrees."""
    with Stage.build(console, folder) as stage:
        for number, (title, scene) in enumerate(SCENES, start=1):
            console.rule(f"[bold]{number}. {title}", align="left")
            scene(stage)
            console.print()
        console.rule("[bold]The books: the partner's and ours", align="left")
        books = compare(stage.refs, stage.journal, stage.partner.ledger)
        show(console, books)
        for each in stage.wrong:
            stage.say(f"Not as it should be: {each}")
    return not books.problems and not stage.wrong
