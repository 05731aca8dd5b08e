"""Sabotages of how a partner's answer is read: each takes one for what it is not."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

_REFUSED = "return Observation(state=State.DECLINED, source=Source.REPLY, reason=found.reason, partner_code=code)"

SABOTAGES = (
    Sabotage(
        what="Alipay's own fault is taken for a refusal",
        cut=Cut(
            "adapters.alipay.envelope:refusal",
            'return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{code} {answer.sub_msg}".strip(), '
            "again=found.again)",
            _REFUSED,
        ),
        breaks=frozenset({"I1", "I6"}),
        partners=("alipay",),
    ),
    Sabotage(
        what="an order that Alipay does not find is taken for refused",
        cut=Cut(
            "adapters.alipay.envelope:refusal",
            'return doubt(Source.REPLY, UnknownKind.NOT_FOUND, f"{code} {answer.sub_msg}".strip())',
            _REFUSED,
        ),
        breaks=frozenset({"I5", "I6"}),
        partners=("alipay",),
    ),
    Sabotage(
        what="a refusal to close at Alipay is taken for closed",
        cut=Cut(
            "adapters.alipay.performing:_how_closed",
            'if told.state is State.DECLINED and told.partner_ref == biz["out_trade_no"]:',
            "if True:",
        ),
        breaks=frozenset({"I1", "I6"}),
        partners=("alipay",),
    ),
    Sabotage(
        what="a question to Alipay without an answer is taken for not found",
        cut=Cut(
            "adapters.alipay.performing:_question",
            "kind = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT",
            "kind = UnknownKind.NOT_FOUND",
        ),
        breaks=frozenset({"I1", "I6"}),
        partners=("alipay",),
    ),
    Sabotage(
        what="each try of a call to Stripe has a key of its own",
        cut=Cut(
            "adapters.stripe.calls:wire_request",
            'headers["idempotency-key"] = asked.key',
            'headers["idempotency-key"] = f"{asked.key}{id(headers)}"',
        ),
        breaks=frozenset({"I1", "I6", "I7"}),
        partners=("stripe",),
    ),
    Sabotage(
        what="a status 500 of Stripe's is taken for a refusal",
        cut=Cut("adapters.stripe.calls:_fault", "state=State.DOUBT,", "state=State.DECLINED,"),
        breaks=frozenset({"I1", "I6"}),
        partners=("stripe",),
    ),
    Sabotage(
        what="a reversal that WeChat accepted is taken for done",
        cut=Cut(
            "adapters.wechatpay_v2.cancelling:_ended",
            "if told.state is State.DECLINED and told.cancelled_by is not None:",
            "if True:\n        return _done(CancelledBy.CLOSED)\n    if False:",
        ),
        breaks=frozenset({"I1", "I6"}),
        partners=("wechatpay_v2",),
    ),
    Sabotage(
        what="Adyen's word that it received a cancel is taken for a fence",
        cut=Cut(
            "adapters.adyen.cancelling:carry_out_cancel",
            'ends = asked.name == "cancels" and EXPIRES in asked.notes and told.state is State.PENDING',
            "if told.state is State.PENDING:\n        return replace(told, state=State.SUCCEEDED, "
            "cancelled_by=CancelledBy.CLOSED)\n    ends = False",
        ),
        breaks=frozenset({"I1", "I6"}),
        partners=("adyen",),
    ),
)
