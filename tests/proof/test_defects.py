"""Defects of the partners' own libraries that no other test of ours is named after."""

from __future__ import annotations

import inspect
import re

import pytest
from proof import retrying
from proof.conversations import Listener, recorded
from proof.subjects import AnySubject, subjects

from payport.sdk.exchange import Effect, Send, drive
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.message import WireRequest

KEYED = {"adyen": "idempotency-key", "paypal": "paypal-request-id", "stripe": "idempotency-key"}
"""Partners that recognise a repetition by a header."""
CLOSES = {"paymentLinks.expire", "payment_intents.cancel"}
"""To close twice is to close once; an answer that is played back would hide what happened since."""


class Noting(Listener):
    """Keeps what is sent."""

    sent: list[WireRequest]

    def perform(self, effect: Effect) -> object:
        if isinstance(effect, Send):
            self.sent.append(effect.request)
        return super().perform(effect)


@pytest.mark.parametrize("name", KEYED)
def test_every_request_that_moves_money_carries_its_key(name: str) -> None:
    """A library made a key for each POST and sent it with none. Ours go out with it, and twice with the same one."""
    seen = 0
    for talk in recorded(name).talks:
        tries: list[list[str]] = []
        for _ in range(2):
            host = Noting(talk.at, iter([answer for _, answer in talk.replies]))
            host.sent = []
            drive(talk.start(), host)
            moving = [request for request in host.sent if request.moves_money and request.endpoint not in CLOSES]
            tries.append([request.headers[KEYED[name]] for request in moving])
        assert tries[0] == tries[1]
        assert all(re.fullmatch(r"[!-~]{8,}", key) for key in tries[0])
        seen += len(tries[0])
    assert seen > 5


@pytest.mark.parametrize("gateway", [Gateway, AsyncGateway])
def test_no_caller_is_asked_for_a_key(gateway: type) -> None:
    """ "Unique for every request", callers were told, and made a new key for every retry. Here they name the order."""
    verbs = {name: verb for name, verb in vars(gateway).items() if inspect.isfunction(verb)}
    named = {f"{name}({parameter})" for name, verb in verbs.items() for parameter in inspect.signature(verb).parameters}
    assert [each for each in named if re.search(r"idempot|(?<!sealing_)key|token|nonce", each)] == []
    assert {"pay", "refund", "payout", "capture"} <= set(verbs)


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_an_unanswered_charge_is_never_called_failed(subject: AnySubject) -> None:
    """Orchestrators stored a time-out as the final failure. In no scenario is one told as Declined or NotSent."""
    for scenario in ("reset after it was carried out", "three time-outs after it was carried out"):
        for name, row in retrying.expected()[scenario].items():
            if name.startswith(f"{subject.name} "):
                assert not str(row["told"]).startswith(("Declined", "NotSent")), (scenario, name, row)
