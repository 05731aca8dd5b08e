"""The in-process transports give a handler's answers and a socket's failures, in both colours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.testing import (
    AsyncInProcessTransport,
    Delivery,
    Fault,
    FaultPlan,
    Incoming,
    InProcessTransport,
    Manner,
)

Send = Callable[[WireRequest, float], Awaitable[WireReply | SendFailure]]


def request(url: str = "https://partner.test/gateway.do?a=1", *, cap: int = 1000) -> WireRequest:
    """A request."""
    return WireRequest(
        endpoint="pay",
        moves_money=True,
        method="POST",
        url=url,
        headers={"Content-Type": "text/plain"},
        content=b"body",
        max_reply_bytes=cap,
    )


@pytest.mark.parametrize(
    ("url", "target", "path", "query"),
    [
        ("https://partner.test/gateway.do?a=1&b=%20", "/gateway.do?a=1&b=%20", "/gateway.do", "a=1&b=%20"),
        ("https://partner.test/x", "/x", "/x", ""),
        ("https://partner.test", "/", "/", ""),
        ("https://partner.test?a=1", "/?a=1", "/", "a=1"),
    ],
)
def test_the_partner_reads_what_was_sent(url: str, target: str, path: str, query: str) -> None:
    """Target as on the wire, header names in lower case."""
    seen: list[Incoming] = []

    def handler(incoming: Incoming) -> Delivery:
        seen.append(incoming)
        return Delivery(WireReply(200, (), b"ok"))

    transport = InProcessTransport(handler, FaultPlan())
    assert transport.send(request(url), 1.0) == WireReply(200, (), b"ok")
    transport.close()
    (incoming,) = seen
    assert (incoming.target, incoming.path, incoming.query) == (target, path, query)
    assert (incoming.method, incoming.headers, incoming.body) == ("POST", {"content-type": "text/plain"}, b"body")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("manner", "kind"),
    [
        (Manner.RESET, FailureKind.CONNECTION_LOST),
        (Manner.SILENCE, FailureKind.TIMED_OUT),
        (Manner.DRIP, FailureKind.TIMED_OUT),
        (Manner.TRUNCATED, FailureKind.UNREADABLE),
        (Manner.GARBAGE, FailureKind.UNREADABLE),
    ],
)
async def test_an_answer_that_does_not_arrive(manner: Manner, kind: FailureKind) -> None:
    """Async: the same failures, all after the request may have left."""
    transport = AsyncInProcessTransport(lambda _: Delivery(WireReply(200, (), b"ok"), manner), FaultPlan())
    failure = await transport.send(request(), 1.0)
    await transport.aclose()
    assert isinstance(failure, SendFailure)
    assert (failure.kind, failure.may_have_left) == (kind, True)


def test_faults_before_reading_never_reach_the_handler() -> None:
    """One leaves nothing behind, the other cannot tell."""

    def handler(_: Incoming) -> Delivery:
        raise AssertionError("must not be read")

    plan = FaultPlan()
    plan.next(Fault.RESET_BEFORE_TLS)
    plan.next(Fault.RESET_BEFORE_READING)
    transport = InProcessTransport(handler, plan)
    failures = [transport.send(request(), 1.0) for _ in range(2)]
    assert [isinstance(one, SendFailure) and one.may_have_left for one in failures] == [False, True]


def test_an_answer_over_the_cap_is_unreadable() -> None:
    """As on a socket."""
    transport = InProcessTransport(lambda _: Delivery(WireReply(200, (), b"x" * 11)), FaultPlan())
    assert isinstance(transport.send(request(cap=11), 1.0), WireReply)
    failure = transport.send(request(cap=10), 1.0)
    assert isinstance(failure, SendFailure)
    assert failure.kind is FailureKind.UNREADABLE
