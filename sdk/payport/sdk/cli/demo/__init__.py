"""``payport demo``: what every partner's play needs, and the playing of them all.

Loaded by the command line only; needs the extra ``cli``. Money and payers are the simulators'. An adapter brings the
module ``demo`` with a :class:`Play` named ``PLAY``: its simulator, its adapter, and scenes, most of them from
:mod:`payport.sdk.cli.demo.scenes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from rich.console import Console

from payport.sdk.cli.demo.books import compare, show
from payport.sdk.cli.demo.stage import AnyPlay, AnyStage, Play, Sale, Scene, Stage, Till

__all__ = ["Play", "Sale", "Scene", "Stage", "Till", "perform"]


def perform(console: Console, folder: Path, plays: Sequence[AnyPlay]) -> bool:
    """Play every scene, with settings and journals in the empty ``folder``; whether all went well and agrees.

    What a play leaves for its finale waits while the others are played.
    """
    numbers = count(1)
    with ExitStack() as stack:
        stages: list[AnyStage] = []
        for play in plays:
            place = folder / play.partner
            place.mkdir()
            stages.append(stack.enter_context(AnyStage.build(console, place, play)))
            for title, scene in play.scenes:
                stages[-1].act(f"{next(numbers)}. {title}", scene)
        for stage in stages:
            for title, scene in stage.play.finale:
                stage.act(f"{next(numbers)}. {title}", scene)
        console.rule("[bold]The books: the partners' and ours", align="left")
        books = [compare(stage) for stage in stages]
        show(console, books)
        for stage in stages:
            for each in stage.wrong:
                stage.say(f"Not as it should be: {each}")
        return not any(each.problems for each in books) and not any(stage.wrong for stage in stages)
