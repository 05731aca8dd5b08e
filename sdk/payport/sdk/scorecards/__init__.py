"""Scorecards: how well a partner works, measured on every call, against thresholds, and how sure that is.

:class:`Scorecards` is a sink that counts; :class:`JournalMeasures` keeps the counts beside the journal, where those of
all processes add up; :func:`scorecard` makes the numbers out of them. ``payport report`` shows them.
"""

from payport.sdk.scorecards.bounds import enough, lower_bound, upper_bound
from payport.sdk.scorecards.cards import Scorecard, Share, Thresholds, Verdict, grouped, scorecard
from payport.sdk.scorecards.counting import Scorecards
from payport.sdk.scorecards.kept import JournalMeasures
from payport.sdk.scorecards.measures import MeasureRow, MeasureStore, MemoryMeasures

__all__ = [
    "JournalMeasures",
    "MeasureRow",
    "MeasureStore",
    "MemoryMeasures",
    "Scorecard",
    "Scorecards",
    "Share",
    "Thresholds",
    "Verdict",
    "enough",
    "grouped",
    "lower_bound",
    "scorecard",
    "upper_bound",
]
