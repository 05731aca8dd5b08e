"""The endpoints: from a request to a signed reply, with the planned fault in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

from payport.adapters.wechatpay_v2 import calls
from payport.adapters.wechatpay_v2.account import SignType
from payport.adapters.wechatpay_v2.signing import is_authentic, signature
from payport.adapters.wechatpay_v2.simulator import orders, refunds
from payport.adapters.wechatpay_v2.simulator.books import Books, Refusal, Request
from payport.adapters.wechatpay_v2.simulator.misdeeds import (
    ALTERATIONS,
    NO_CERTIFICATE,
    foreign_charset,
    refusal_of,
)
from payport.sdk.message import WireReply
from payport.sdk.strict_xml import MalformedXml, parse_flat, write_flat
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery, Incoming

Handler: TypeAlias = Callable[[Books, Request], dict[str, str]]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        calls.UNIFIED_ORDER: orders.unified_order,
        calls.MICROPAY: orders.micropay,
        calls.ORDER_QUERY: orders.order_query,
        calls.CLOSE: orders.close_order,
        calls.REVERSE: orders.reverse,
        calls.REFUND: refunds.refund,
        calls.REFUND_QUERY: refunds.refund_query,
        "tools/authcodetoopenid": orders.auth_code_to_openid,
    }
)
_UNSIGNED = frozenset({Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """Oddities of genuine messages, all of them correctly signed.

    ``says_sign_type``: answers and notices have a ``sign_type``, which is signed with the rest. ``plain_values``:
    values without CDATA. ``more_fields``: fields that no document knows.
    """

    says_sign_type: bool = False
    plain_values: bool = False
    more_fields: bool = False


class NotBelieved(Exception):
    """The request is refused before it is looked at: an answer without a signature."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The endpoints of one simulated WeChat. ``clock`` is the true time, ``now`` the partner's (can be advanced)."""

    books: Books
    api_key: str = field(repr=False)
    faults: FaultPlan
    clock: Callable[[], datetime]
    mweb_url: Callable[[str], str]
    demands_certificate: Callable[[], bool]
    quirks: Quirks = field(default_factory=Quirks)
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    _mishaps: Mishaps[tuple[str, bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """The partner's time."""
        return self.clock() + self.advanced

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self.settle()
        path = incoming.path.lstrip("/")
        if path.startswith("secapi/") and incoming.client is None and self.demands_certificate():
            return Delivery(NO_CERTIFICATE)
        body = incoming.body
        return self._mishaps.around(path, (path, body), lambda fault: self._answer(path, body, fault))

    def settle(self) -> None:
        """Let requests that were on their way arrive."""
        for late in self._mishaps.arrived():
            path, body = late.request
            try:
                self._perform(path, self._admit(body), late.due, slow=False)
            except (Refusal, NotBelieved):
                continue  # nobody is listening any more

    def message(self, fields: Mapping[str, str], sign_type: SignType, *, broken: bool = False) -> bytes:
        """A signed message of WeChat's."""
        whole = {"return_code": "SUCCESS", **self.books.identity, "nonce_str": "5d2b6c2a8db53831f7eda20af46e531c"}
        whole |= {name: value for name, value in fields.items() if value}
        if self.quirks.says_sign_type:
            whole["sign_type"] = sign_type.value
        if self.quirks.more_fields:
            whole |= {"promotion_detail": '{"promotion_detail":[]}', "novelty": '<a href="]]>">'}
        # a signature under another key: well formed, wrong
        whole["sign"] = signature(whole, self.api_key[::-1] if broken else self.api_key, sign_type)
        return self.written(whole)

    def written(self, fields: Mapping[str, str]) -> bytes:
        """A message as WeChat writes it."""
        if not self.quirks.plain_values:
            return write_flat(fields, root="xml")
        lines = "".join(f"<{name}>{_escaped(value)}</{name}>\n" for name, value in fields.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<xml>\n{lines}</xml>\n'.encode()

    def _admit(self, body: bytes) -> dict[str, str]:
        """The fields of an authentic request. Raises :class:`NotBelieved`."""
        try:
            fields = parse_flat(body, root="xml")
        except MalformedXml:
            raise NotBelieved("XML格式错误") from None
        for name, ours in self.books.identity.items():
            if fields.get(name) != ours:
                raise NotBelieved(f"{name}参数错误")
        if not fields.get("nonce_str"):
            raise NotBelieved("缺少参数nonce_str")
        asked = fields.get("sign_type") or SignType.MD5.value
        known = {kind.value: kind for kind in SignType}
        if asked not in known or not is_authentic(fields, self.api_key, frozenset({known[asked]})):
            raise NotBelieved("签名错误")
        return fields

    def _perform(self, path: str, fields: Mapping[str, str], now: datetime, *, slow: bool) -> dict[str, str]:
        with self.books.lock:
            answer = HANDLERS[path](self.books, Request(fields=fields, now=now, slow=slow))
        if fields.get("trade_type") == "MWEB" and path == calls.UNIFIED_ORDER:
            answer["mweb_url"] = self.mweb_url(answer["prepay_id"])
        return answer

    def _answer(self, path: str, body: bytes, fault: Fault | None) -> WireReply:
        if path not in HANDLERS:
            return WireReply(404, (("content-type", "text/html"),), b"<html>404</html>")
        try:
            fields = self._admit(body)
        except NotBelieved as refused:
            return _reply(self.written({"return_code": "FAIL", "return_msg": str(refused)}))
        if fault is Fault.FOREIGN_CHARSET:
            return _reply(foreign_charset())
        kind = SignType(fields.get("sign_type") or SignType.MD5.value)
        told = self._outcome(path, fields, fault)
        if fault in _UNSIGNED:
            return _reply(self.written({"return_code": "FAIL", "return_msg": "支付失败"}))
        if fault is Fault.NO_SIGNATURE:
            return _reply(self.written({"return_code": "SUCCESS", **self.books.identity, **told}))
        alter = ALTERATIONS.get(fault) if fault is not None else None
        return _reply(self.message(alter(told) if alter else told, kind, broken=fault is Fault.BAD_SIGNATURE))

    def _outcome(self, path: str, fields: Mapping[str, str], fault: Fault | None) -> dict[str, str]:
        try:
            if fault is not None and not fault.commits:
                raise refusal_of(fault, path)
            answer = self._perform(path, fields, self.now(), slow=fault is Fault.SLOW_PROCESSING)
            self._committed(path)
            if fault is Fault.COMMIT_THEN_SYSTEM_ERROR:
                raise refusal_of(fault, path)
        except Refusal as refusal:
            if refusal.code == "USERPAYING":
                self._committed(path)
            told = {"result_code": "FAIL", "err_code": refusal.code, "err_code_des": refusal.words}
            return {**told, **refusal.fields}
        return {"result_code": "SUCCESS", **answer}

    def _committed(self, path: str) -> None:
        if self.on_commit is not None:
            self.on_commit(path)


def _reply(content: bytes) -> WireReply:
    return WireReply(200, (("content-type", "text/xml"),), content)


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
