"""How a report's numbers came about, in words for whoever has to believe them."""

from __future__ import annotations

from collections.abc import Sequence

from payport.sdk.report import words
from payport.sdk.report.parts import Section, Text
from payport.sdk.scorecards.cards import Thresholds
from payport.sdk.scorecards.histogram import EDGE_S

_CALL = """
one HTTP request to the partner, repetitions included. What was held back here is none: by a call limit, by an open
breaker, because time was up before.
"""

_SUCCESS = """
threshold {success}. A call succeeds when a whole reply comes, with a status below 500, and the reply is no fault that
the partner reports of itself, nor unreadable, nor unverified. A refusal is an answer.
"""

_ACCURACY = """
threshold {accuracy}. Of the replies that were held against every check there is (signature, form, check digits, and
that they are about the order, amount, currency and merchant that were asked about), those that passed. Replies that no
check saw are told apart as not checked: tokens, faults, replies that were only a step to another one. So are values
that the library does not know; they are no mistake.
"""

_RESPONSE = """
{share} of the calls that were answered or timed out must be answered within {limit}. A call that timed out counts as
long as it was waited for, and never as answered. Times are read from bins and good to 3 %{exact}.
"""

_VERDICTS = """
each share has one-sided bounds of {sure} after Clopper and Pearson. "Meets": the lower bound reaches the threshold.
"Misses": the upper bound is below it. "Not enough data": neither; so many calls show nothing yet. The bounds take calls
for independent of each other. Failures come in bursts, so they tell what these days were like, and less about the next.
"""


def method(thresholds: Thresholds) -> Section:
    """What is counted as what, against which thresholds, and what the verdicts are worth."""
    limit = words.limit(thresholds.response_s)
    exact = f"; the share within {limit} is exact" if thresholds.response_s == EDGE_S else ""
    texts: Sequence[tuple[str, str]] = (
        ("A call is", _CALL),
        ("Success:", _SUCCESS.format(success=words.threshold(thresholds.success))),
        ("Data accuracy:", _ACCURACY.format(accuracy=words.threshold(thresholds.accuracy))),
        (
            "Response time:",
            _RESPONSE.format(share=words.threshold(thresholds.response_share), limit=limit, exact=exact),
        ),
        ("Verdicts:", _VERDICTS.format(sure=words.threshold(thresholds.confidence))),
    )
    return Section(
        name="method",
        title="How this was measured",
        parts=[Text(" ".join(text.split()), lead) for lead, text in texts],
        records=[],
    )
