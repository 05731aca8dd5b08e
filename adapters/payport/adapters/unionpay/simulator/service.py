"""The gateway: from a request to a signed reply, with the planned fault in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from payport.adapters.unionpay.calls import APP, BACK, BATCH, FILES, ORDER, QUERY
from payport.adapters.unionpay.forms import codec_of
from payport.adapters.unionpay.simulator import asking, consuming, returning
from payport.adapters.unionpay.simulator.misdeeds import ALTERATIONS, refusal_of
from payport.adapters.unionpay.simulator.rows import Refusal, Request
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery

if TYPE_CHECKING:
    from payport.adapters.unionpay.simulator.books import Books
    from payport.adapters.unionpay.simulator.gate import Gate
    from payport.adapters.unionpay.simulator.seals import Seal

Handler: TypeAlias = "Callable[[Books, Request], dict[str, str]]"

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        f"{APP} 01/01": consuming.order_app,
        f"{BACK} 01/01": consuming.pay_by_card,
        f"{BACK} 01/06": consuming.scan_code,
        f"{BACK} 01/07": consuming.show_code,
        f"{ORDER} 01/01": consuming.show_code,
        f"{BACK} 02/04": consuming.scan_code,
        f"{BACK} 02/05": consuming.show_code,
        f"{BACK} 03/00": returning.complete,
        f"{BACK} 04/00": returning.refund,
        f"{BACK} 31/00": returning.undo,
        f"{BACK} 32/00": returning.release,
        f"{BACK} 33/00": returning.undo,
        f"{BACK} 99/01": returning.reverse,
        f"{BACK} 95/00": asking.encryption_certificate,
        f"{BACK} 77/02": asking.send_code,
        f"{BACK} 78/00": asking.query_card,
        f"{BACK} 78/02": asking.query_card,
        f"{BACK} 74/00": asking.close_card,
        f"{QUERY} 00/00": asking.query,
        f"{BACK} 00/00": asking.query,
        f"{BATCH} 21/03": asking.batch,
        f"{BATCH} 22/03": asking.batch,
        f"{FILES} 76/01".strip(): asking.download,
    }
)
PAGES = frozenset({"01/01", "01/03", "02/01", "79/00"})
"""What a browser posts to ``frontTransReq.do``."""
KINDS = frozenset(name.rpartition(" ")[2] for name in HANDLERS) | PAGES

_ECHOED = (
    "version",
    "encoding",
    "bizType",
    "txnType",
    "txnSubType",
    "accessType",
    "merId",
    "orderId",
    "txnTime",
    "txnAmt",
    "currencyCode",
    "reqReserved",
)
_SPOKEN = frozenset({Fault.COMMIT_THEN_SYSTEM_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})
_UNSIGNED = frozenset({Fault.NO_SIGNATURE, Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})


@dataclass(slots=True, kw_only=True)
class Service:
    """The gateway of one simulated UnionPay. ``clock`` is the true time, ``now`` UnionPay's (it can be advanced)."""

    books: Books
    gate: Gate
    seal: Seal
    faults: FaultPlan
    clock: Callable[[], datetime]
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    _mishaps: Mishaps[tuple[str, Mapping[str, str]]] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """UnionPay's time."""
        return self.clock() + self.advanced

    def handle(self, path: str, fields: Mapping[str, str]) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self.settle()
        name = Request(path=path, fields=fields, now=self.now()).name
        return self._mishaps.around(name, (path, fields), lambda fault: self._answer(path, fields, fault))

    def perform(
        self, path: str, fields: Mapping[str, str], *, now: datetime, clock: datetime | None, slow: bool = False
    ) -> dict[str, str]:
        """Let one request through the gate and carry it out; ``clock`` as for the gate. Raises the refusal."""
        request = self.gate.admit(path, fields, now=now, clock=clock, slow=slow)
        handler = HANDLERS.get(request.name)
        if handler is None:
            raise Refusal("10", "this transaction is not made at this address")
        with self.books.lock:
            return handler(self.books, request)

    def settle(self) -> None:
        """Let requests that were on their way arrive, and times run out."""
        now = self.now()
        for late in self._mishaps.arrived():
            try:
                self.perform(*late.request, now=late.due, clock=None)
            except Refusal:
                continue  # nobody is listening any more
        with self.books.lock:
            self.books.tick(now)

    def _answer(self, path: str, fields: Mapping[str, str], fault: Fault | None) -> WireReply:
        echo = {name: fields[name] for name in _ECHOED if fields.get(name)}
        try:
            if fault is not None and not fault.commits:
                raise refusal_of(fault)
            slow = fault is Fault.SLOW_PROCESSING
            said = self.perform(path, fields, now=self.now(), clock=self.now(), slow=slow)
            if self.on_commit is not None:
                self.on_commit(Request(path=path, fields=fields, now=self.now()).name)
            if fault is not None and fault in _SPOKEN:
                raise refusal_of(fault)
            whole = {**echo, **said, "respCode": "00", "respMsg": "成功[0000000]"}
        except Refusal as refusal:
            whole = {**echo, "respCode": refusal.code, "respMsg": refusal.message}
        alter = ALTERATIONS.get(fault) if fault is not None else None
        return self._reply(alter(whole) if alter else whole, fault)

    def _reply(self, said: Mapping[str, str], fault: Fault | None) -> WireReply:
        encoding = said.get("encoding", "UTF-8")
        codec = codec_of(encoding) or "utf-8"
        if fault not in _UNSIGNED:
            said = self.seal.signed(said, codec)
        if fault is Fault.BAD_SIGNATURE:
            said = {**said, "respMsg": f"{said['respMsg']}."}
        if fault is Fault.FOREIGN_CHARSET:
            codec = "gb18030" if codec == "utf-8" else "utf-8"
        # not percent-encoded, whatever stands in it; certificate and signature last, as in genuine replies
        last = ("signPubKeyCert", "signature")
        order = [*sorted(name for name in said if name not in last), *(name for name in last if name in said)]
        body = "&".join(f"{name}={said[name]}" for name in order).encode(codec, errors="replace")
        return WireReply(200, (("content-type", f"text/html;charset={encoding}"),), body)
