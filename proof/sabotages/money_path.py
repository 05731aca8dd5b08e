"""Sabotages of how an operation is intended, sent, repeated and resolved."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

_OVER = "not last.state.over"

SABOTAGES = (
    Sabotage(
        what="a payment in doubt is tried once more under a new number",
        cut=Cut("sdk.operations.intending:_live", _OVER, f"last.state.value != 'doubt' and {_OVER}"),
        breaks=frozenset({"I1"}),
    ),
    Sabotage(
        what="a payment that the partner accepted is tried once more",
        cut=Cut("sdk.operations.intending:_live", _OVER, f"last.state.value != 'pending' and {_OVER}"),
        breaks=frozenset({"I1"}),
    ),
    Sabotage(
        what="a code that was handed out is joined by a second one",
        cut=Cut("sdk.operations.intending:_live", _OVER, f"last.state.value != 'action' and {_OVER}"),
        breaks=frozenset({"I1"}),
    ),
    Sabotage(
        what="another amount under the same reference is taken for the same debt",
        cut=Cut(
            "sdk.operations.intending:_check_same", "if asked != (debt.verb, debt.amount, debt.payee):", "if False:"
        ),
        twins=(Cut("sdk.operations.intending:_live", "if last.amount != intent.amount:", "if False:"),),
        breaks=frozenset({"I1"}),
    ),
    Sabotage(
        what="every attempt has the same number at the partner",
        cut=Cut("sdk.operations.intending:partner_reference", "{attempt:03d}", "001"),
        breaks=frozenset({"I5", "I6"}),
    ),
    Sabotage(
        what="the intent is not written down before the request leaves",
        cut=Cut("sdk.operations.intending:begin", "session.add(operation,", "(lambda *_, **__: None)(operation,"),
        breaks=frozenset({"I2"}),
    ),
    Sabotage(
        what="a time-out is taken for a request that never left",
        cut=Cut("sdk.calling:missing_reply", "if failure.may_have_left:", "if False:"),
        twins=(Cut("sdk.operations.judging:judged", "if heard.left and", "if False and"),),
        breaks=frozenset({"NotSent", "I6"}),
    ),
    Sabotage(
        what="a refused repetition ends what the first try may have done",
        cut=Cut("sdk.operations.carrying:attempt", "if observation.state.over and doubted is not None:", "if False:"),
        breaks=frozenset({"NotSent", "I6"}),
    ),
    Sabotage(
        what="a call goes on after its time",
        cut=Cut(
            "sdk.retry:RetryPolicy.next_wait_s",
            "return wait_s if now_monotonic_s + wait_s < deadline_s else None",
            "return wait_s",
        ),
        twins=(Cut("sdk.operations.carrying:_try_once", "if now.monotonic_s >= deadline_s:", "if False:"),),
        breaks=frozenset({"I11"}),
    ),
    Sabotage(
        what="what a dead process may have sent counts as not sent",
        cut=Cut("sdk.operations.leasing:_taken_over", "or current.may_have_left or not risky", "or True"),
        breaks=frozenset({"I6", "NotSent"}),
    ),
    Sabotage(
        what="a payment without an action was not handed out, whatever step of it left",
        cut=Cut("sdk.operations.resolver:resolve", "and not operation.may_have_left and _calls_nobody(operation)", ""),
        breaks=frozenset({"I5", "I6"}),
    ),
    Sabotage(
        what="an order that the partner does not find is over at once",
        cut=Cut(
            "sdk.operations.resolver:_without_answer",
            "_ends(operation) and _over(setup, operation, as_of)",
            "_ends(operation)",
        ),
        breaks=frozenset({"I6"}),
    ),
    Sabotage(
        what="nobody closes an order whose time is over",
        cut=Cut("sdk.operations.resolver:_must_fence", "return old or _over(setup, operation, now)", "return False"),
        breaks=frozenset({"I5"}),
    ),
    Sabotage(
        what="another way of paying is opened without closing the first",
        cut=Cut(
            "sdk.operations.paying:_end",
            "operation = yield from fence(setup, operation, deadline_s)",
            "operation = yield from learn(setup, operation, Observation(state=State.DECLINED, source=Source.LOCAL))",
        ),
        breaks=frozenset({"I1", "I6"}),
    ),
    Sabotage(
        what="a request is sent again however long ago it first left, and nobody asks before",
        cut=Cut("sdk.operations.repeating:may_repeat", "return until is None or now < until", "return True"),
        twins=(Cut("sdk.operations.resolver:_ask", "setup.profile.answers_queries", "operation.verb is Verb.PAY"),),
        breaks=frozenset({"I1", "I5", "I6"}),
    ),
    Sabotage(
        what="a closed attempt is told while a newer one is paid",
        cut=Cut("sdk.operations.following:newest", "while carried.operation.state.over:", "while False:"),
        breaks=frozenset({"I4", "Declined"}),
    ),
)
