"""The door: who calls, is it signed over these very bytes, is it well formed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, unquote

from payport.adapters.wechatpay.simulator.calls import Call, Refusal
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.keys import Cabinet
    from payport.sdk.keys import PublicKey
    from payport.sdk.testing.wire import Incoming

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CLOCK_TOLERANCE = timedelta(minutes=5)
_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')
_WANTED = ("mchid", "serial_no", "timestamp", "nonce_str", "signature")
_WHOLE_BODY = 1000


class Unsigned(Refusal):
    """A refusal before the caller is known: answered without a signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What WeChat knows of one merchant. ``serial_no``: of the merchant's API certificate."""

    mchid: str
    serial_no: str
    key: PublicKey = field(repr=False)
    cabinet: Cabinet = field(repr=False)

    def authenticate(self, incoming: Incoming, clock: datetime | None) -> None:
        """Check who calls. ``clock``: what time stamps are held to, ``None`` for what was on its way for long.

        Raises the refusal of the first rule that is broken.
        """
        headers = incoming.headers
        if not headers.get("accept") or not headers.get("user-agent"):
            raise Unsigned("INVALID_REQUEST", "Http头缺少Accept或User-Agent")
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme != SCHEME:
            raise Unsigned("SIGN_ERROR", "Http头Authorization认证类型不正确", status=401)
        params = dict(_PARAMETER.findall(rest))
        for name in _WANTED:
            if not params.get(name):
                raise Unsigned("SIGN_ERROR", f"Http头Authorization缺少{name}", status=401)
        if params["mchid"] != self.mchid:
            raise Unsigned("MCH_NOT_EXISTS", "商户号不存在")
        if params["serial_no"] != self.serial_no:
            raise Unsigned("SIGN_ERROR", "商户证书序列号有误", status=401)
        self._check_stamp(params["timestamp"], clock)
        self._check_signature(incoming, params)

    def read(
        self, incoming: Incoming, name: str, path: Mapping[str, str], *, now: datetime, slow: bool = False
    ) -> Call:
        """The call that an authentic request makes. ``path``: still percent-encoded."""
        return Call(
            name=name,
            path={key: unquote(value) for key, value in path.items()},
            query=dict(parse_qsl(incoming.query, keep_blank_values=True)),
            body=_body(incoming),
            now=now,
            decrypt=self._opener(incoming.headers.get("wechatpay-serial")),
            slow=slow,
        )

    def _check_stamp(self, stamp: str, clock: datetime | None) -> None:
        seconds = int(stamp) if re.fullmatch(r"[0-9]{1,13}", stamp, re.ASCII) else None
        if seconds is None:
            raise Unsigned("SIGN_ERROR", "Http头Authorization的timestamp不正确", status=401)
        if clock is not None and abs(seconds - clock.timestamp()) > CLOCK_TOLERANCE.total_seconds():
            raise Unsigned("SIGN_ERROR", "Http头Authorization的timestamp与发起请求的时间不得超过5分钟", status=401)

    def _check_signature(self, incoming: Incoming, params: Mapping[str, str]) -> None:
        head = f"{incoming.method}\n{incoming.target}\n{params['timestamp']}\n{params['nonce_str']}\n"
        message = head.encode() + incoming.body + b"\n"
        try:
            signature = base64.b64decode(params["signature"], validate=True)
            genuine = self.key.verify(message, signature)
        except binascii.Error:
            genuine = False
        if not genuine:
            body = incoming.body.decode("utf-8", errors="replace")
            shown = head + (body if len(body) <= _WHOLE_BODY else f"{body[:_WHOLE_BODY]}...") + "\n"
            detail = {
                "field": "signature",
                "issue": "sign not match",
                "location": "authorization",
                "sign_information": {
                    "method": incoming.method,
                    "url": incoming.target,
                    "truncated_sign_message": shown,
                    "sign_message_length": len(message),
                },
            }
            raise Unsigned("SIGN_ERROR", "签名错误,请检查后再试", status=401, detail=detail)

    def _opener(self, key_id: str | None) -> Callable[[str], str]:
        key = None if key_id is None else self.cabinet.find(key_id)

        def opened(text: str) -> str:
            if key is None:
                raise ValueError("Wechatpay-Serial names no key of ours")
            return key.pair.decrypt(text)

        return opened


def _body(incoming: Incoming) -> Mapping[str, object]:
    if not incoming.body:
        return {}
    if not incoming.headers.get("content-type", "").lower().startswith("application/json"):
        raise Refusal("INVALID_REQUEST", "Http头Content-Type不是application/json")
    try:
        body = parse_object(incoming.body)
    except MalformedJson:
        raise Refusal("PARAM_ERROR", "请求体不是合法的JSON") from None
    if _has_null(body):
        raise Refusal("PARAM_ERROR", "请求体的字段不能为null")
    if any(character > "\uffff" for character in incoming.body.decode()):
        raise Refusal("PARAM_ERROR", "请求体含有四字节的字符")
    return body


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(item) for item in cast("Mapping[str, object]", value).values())
    if isinstance(value, list):
        return any(_has_null(item) for item in cast("list[object]", value))
    return value is None
