"""``gateway.do``: from a request to a signed reply, with the planned fault in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from payport.adapters.alipay.simulator import preauth, refunds, reports, settlement, trades, transfers
from payport.adapters.alipay.simulator.calls import Answer, Call, Refusal
from payport.adapters.alipay.simulator.gate import CHARSETS, Gate
from payport.adapters.alipay.simulator.misdeeds import ALTERATIONS, refusal_of
from payport.adapters.alipay.simulator.replies import MESSAGES, Quirks, Seal, node_name, reply
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery

if TYPE_CHECKING:
    from payport.adapters.alipay.simulator.books import Books
    from payport.adapters.alipay.simulator.keys import Leaf, Pair

Handler: TypeAlias = "Callable[[Books, Call], Answer]"

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "alipay.trade.precreate": trades.precreate,
        "alipay.trade.create": trades.create,
        "alipay.trade.pay": trades.pay,
        "alipay.trade.query": trades.query,
        "alipay.trade.close": trades.close,
        "alipay.trade.cancel": trades.cancel,
        "alipay.trade.refund": refunds.refund,
        "alipay.trade.refund.apply": refunds.refund_apply,
        "alipay.trade.fastpay.refund.query": refunds.refund_query,
        "alipay.fund.auth.order.freeze": preauth.freeze,
        "alipay.fund.auth.order.voucher.create": preauth.voucher_create,
        "alipay.fund.auth.order.unfreeze": preauth.unfreeze,
        "alipay.fund.auth.operation.cancel": preauth.cancel,
        "alipay.fund.auth.operation.detail.query": preauth.detail_query,
        "alipay.fund.trans.uni.transfer": transfers.uni_transfer,
        "alipay.fund.trans.common.query": transfers.common_query,
        "alipay.fund.account.query": reports.account_query,
        "alipay.data.bill.balance.query": reports.account_query,
        "alipay.data.bill.accountlog.query": reports.accountlog_query,
        "alipay.data.dataservice.bill.downloadurl.query": reports.bill_downloadurl,
        "alipay.trade.royalty.relation.bind": settlement.bind,
        "alipay.trade.royalty.relation.unbind": settlement.unbind,
        "alipay.trade.royalty.relation.batchquery": settlement.batchquery,
        "alipay.trade.order.settle": settlement.settle,
        "alipay.trade.order.settle.query": settlement.settle_query,
    }
)
CERTIFICATE_DOWNLOAD = "alipay.open.app.alipaycert.download"
PAGES = frozenset(
    {"alipay.trade.page.pay", "alipay.trade.wap.pay", "alipay.trade.app.pay", "alipay.fund.auth.order.app.freeze"}
)

_UNSIGNED = frozenset({"isv.missing-app-id", "isv.invalid-app-id", "isv.missing-method", "isv.invalid-method"})
_SPOKEN = frozenset({Fault.COMMIT_THEN_SYSTEM_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})


@dataclass(slots=True, kw_only=True)
class Service:
    """The gateway of one simulated Alipay. ``clock`` is the true time, ``now`` the partner's (it can be advanced)."""

    books: Books
    gate: Gate
    faults: FaultPlan
    clock: Callable[[], datetime]
    key: Pair
    leaves: dict[str, Leaf]
    cert_sn: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    _mishaps: Mishaps[Mapping[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """The partner's time."""
        return self.clock() + self.advanced

    def handle(self, params: Mapping[str, str]) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self.settle()
        method = params.get("method", "")
        return self._mishaps.around(method, params, lambda fault: self._answer(params, method, fault))

    def perform(
        self, params: Mapping[str, str], *, now: datetime, clock: datetime | None, slow: bool = False
    ) -> Answer:
        """Let one request through the gate and carry it out; ``clock`` as for the gate. Raises the refusal."""
        call = self.gate.admit(params, now=now, clock=clock, slow=slow)
        with self.books.lock:
            self.books.tick(now)
            if call.method == CERTIFICATE_DOWNLOAD:
                return reports.certificate_download(self.leaves, call)
            return HANDLERS[call.method](self.books, call)

    def settle(self) -> None:
        """Let requests that were on their way arrive, and times run out."""
        now = self.now()
        for late in self._mishaps.arrived():
            try:
                self.perform(late.request, now=late.due, clock=None)
            except Refusal:
                continue  # nobody is listening any more
        with self.books.lock:
            self.books.tick(now)

    def _answer(self, params: Mapping[str, str], method: str, fault: Fault | None) -> WireReply:
        try:
            if fault is not None and not fault.commits:
                raise refusal_of(fault, method)
            slow = fault is Fault.SLOW_PROCESSING
            answer = self.perform(params, now=self.now(), clock=self.clock(), slow=slow)
            if self.on_commit is not None:
                self.on_commit(method)
            if fault in _SPOKEN:
                raise refusal_of(fault, method)
        except Refusal as refusal:
            return self._refuse(params, method, refusal, fault)
        fields = {"code": answer.code, "msg": MESSAGES[answer.code], **answer.fields}
        alter = ALTERATIONS.get(fault) if fault is not None else None
        return reply(node_name(method), alter(fields) if alter else fields, self._seal(params, fault))

    def _refuse(self, params: Mapping[str, str], method: str, refusal: Refusal, fault: Fault | None) -> WireReply:
        fields = {"code": refusal.code, "msg": MESSAGES[refusal.code]}
        fields |= {"sub_code": refusal.sub_code, "sub_msg": refusal.sub_msg}
        known = method in self.gate.methods
        seal = self._seal(params, fault, signed=refusal.sub_code not in _UNSIGNED)
        return reply(node_name(method if known else ""), {**fields, **refusal.fields}, seal)

    def _seal(self, params: Mapping[str, str], fault: Fault | None, *, signed: bool = True) -> Seal:
        asked = params.get("charset", "utf-8").lower()
        charset = "gbk" if fault is Fault.FOREIGN_CHARSET or asked not in CHARSETS else asked
        unsigned = (Fault.NO_SIGNATURE, Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR)
        return Seal(
            key=self.key,
            charset=charset,
            cert_sn=self.cert_sn,
            encryption_key=self.gate.encryption_key if params.get("encrypt_type") else None,
            quirks=self.quirks,
            signed=signed and fault not in unsigned,
            broken=fault is Fault.BAD_SIGNATURE,
        )
