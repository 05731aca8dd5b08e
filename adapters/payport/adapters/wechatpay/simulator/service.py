"""The API: from a request to a signed answer, with the planned fault in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

from payport.adapters.wechatpay.simulator import misdeeds, security
from payport.adapters.wechatpay.simulator.calls import Answer, Refusal
from payport.adapters.wechatpay.simulator.gate import Gate, Unsigned
from payport.adapters.wechatpay.simulator.replies import Seal, nonce_of, reply, written
from payport.adapters.wechatpay.simulator.routes import CERTIFICATES, ECHO, HANDLERS, Route, route
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.books import Books
    from payport.adapters.wechatpay.simulator.keys import Cabinet
    from payport.sdk.testing.wire import Incoming

OLD_TRANSFERS = "/v3/transfer/"
"""Batches of transfers: for merchants from before 2025 only, of whom this is none."""

_SPOKEN = frozenset({Fault.COMMIT_THEN_SYSTEM_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})
_UNSIGNED = frozenset({Fault.NO_SIGNATURE, Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})


@dataclass(slots=True, kw_only=True)
class Service:
    """One simulated WeChat Pay. ``clock`` is the true time, ``now`` the partner's (it can be advanced).

    ``probes``: how many of the next answers carry one of WeChat's probe signatures.
    """

    books: Books
    gate: Gate
    cabinet: Cabinet
    faults: FaultPlan
    clock: Callable[[], datetime]
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    probes: int = 0
    _turns: count[int] = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)
    _mishaps: Mishaps[Incoming] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """The partner's time."""
        return self.clock() + self.advanced

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self.settle()
        found = route(incoming.method, incoming.path)
        if found is None:
            return Delivery(self._answer(incoming, None, None))
        return self._mishaps.around(found.title, incoming, lambda fault: self._answer(incoming, found, fault))

    def settle(self) -> None:
        """Let requests that were on their way arrive, and time do its work."""
        now = self.now()
        for late in self._mishaps.arrived():
            found = route(late.request.method, late.request.path)
            try:
                self._perform(late.request, found, now=late.due, clock=None)
            except Refusal:
                continue  # nobody is listening any more
        with self.books.lock:
            self.books.tick(now)

    def _perform(
        self, incoming: Incoming, found: Route | None, *, now: datetime, clock: datetime | None, slow: bool = False
    ) -> Answer:
        self.gate.authenticate(incoming, clock)
        if found is None and incoming.path.startswith(OLD_TRANSFERS):
            raise Refusal("NO_AUTH", "商户未开通该产品,请使用新版商家转账", status=403)
        if found is None:
            raise Refusal("RESOURCE_NOT_EXISTS", "请求的接口不存在", status=404)
        call = self.gate.read(incoming, found.name, found.path, now=now, slow=slow)
        with self.books.lock:
            self.books.tick(now)
            if found.name == CERTIFICATES:
                return security.certificates(self.cabinet, call, nonce_of(next(self._turns)))
            if found.name == ECHO:
                return security.echo(self.books, call)
            _, handler = HANDLERS[found.name]
            if call.partner is not (self.books.parties.sub_mchid is not None) and "/v3/pay/" in found.name:
                raise Refusal("NO_AUTH", "商户类型与接口不匹配", status=403)
            return handler(self.books, call)

    def _answer(self, incoming: Incoming, found: Route | None, fault: Fault | None) -> WireReply:
        title = "" if found is None else found.title
        try:
            if fault is not None and not fault.commits:
                self.gate.authenticate(incoming, self.clock())
                raise misdeeds.refusal_of(fault, title)
            slow = fault is Fault.SLOW_PROCESSING
            answer = self._perform(incoming, found, now=self.now(), clock=self.clock(), slow=slow)
            if self.on_commit is not None:
                self.on_commit(title)
            if fault in _SPOKEN:
                raise misdeeds.refusal_of(fault, title)
        except Refusal as refusal:
            return self._refuse(incoming, refusal, fault)
        if answer.file is not None:
            return WireReply(200, (("content-type", "application/octet-stream"),), answer.file)
        fields, status = answer.fields, 204 if answer.fields is None else 200
        if fault is Fault.UNKNOWN_STATUS and not misdeeds.has_state(fields):
            status = misdeeds.UNHEARD_OF
        alter = misdeeds.ALTERATIONS.get(fault) if fault is not None else None
        if alter is not None and fields is not None:
            fields = alter(fields)
        body = b"" if fields is None else written(fields, self.books.quirks)
        return self._sealed(incoming, status, body, fault)

    def _refuse(self, incoming: Incoming, refusal: Refusal, fault: Fault | None) -> WireReply:
        fields: dict[str, object] = {"code": refusal.code, "message": refusal.message}
        if refusal.detail:
            fields["detail"] = refusal.detail
        body = written(fields, self.books.quirks)
        if fault is Fault.FOREIGN_CHARSET:
            body = body.decode().encode("gbk")
        return self._sealed(incoming, refusal.status, body, fault, signed=not isinstance(refusal, Unsigned))

    def _sealed(
        self, incoming: Incoming, status: int, body: bytes, fault: Fault | None, *, signed: bool = True
    ) -> WireReply:
        with self._lock:
            turn, probe = next(self._turns), self.probes > 0
            self.probes -= probe
        seal = Seal(
            key=self.cabinet.answering(_header(incoming.headers)),
            at=self.clock(),
            nonce=nonce_of(turn),
            typed=self.books.quirks.typed,
            signed=signed and fault not in _UNSIGNED,
            broken=fault is Fault.BAD_SIGNATURE,
            probe=probe,
        )
        return reply(status, body, seal, f"08F78BB5{turn:024X}-0")


def _header(headers: Mapping[str, str]) -> str | None:
    return headers.get("wechatpay-serial")
