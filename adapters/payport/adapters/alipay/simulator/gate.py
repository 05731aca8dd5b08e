"""The door of ``gateway.do``: who calls, is it signed, is it well formed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from payport.adapters.alipay.encryption import decrypt
from payport.adapters.alipay.signing import canonical, encoder
from payport.adapters.alipay.simulator.calls import Call, Refusal, read_time

if TYPE_CHECKING:
    from payport.sdk.keys import PublicKey
    from payport.sdk.testing.wire import Incoming

CHARSETS = ("utf-8", "gbk")
CLOCK_TOLERANCE = timedelta(minutes=10)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the gateway knows of one application. Certificate numbers in certificate mode, else ``None``."""

    app_id: str
    key: PublicKey
    app_cert_sn: str | None
    root_cert_sn: str | None
    encryption_key: str | None
    methods: frozenset[str]

    def admit(self, params: Mapping[str, str], *, now: datetime, clock: datetime | None, slow: bool = False) -> Call:
        """The call that these parameters make. ``now``: the partner's time.

        ``clock``: what time stamps are held to, ``None`` for what was signed earlier and is opened now.

        Raises the refusal of the first rule that is broken. The application is looked at before the signature.
        """
        self._caller(params)
        self._form(params, clock)
        self._signature(params)
        if self.app_cert_sn is not None:
            self._certificates(params)
        return Call(method=params["method"], params=params, biz=self._content(params), now=now, slow=slow)

    def _caller(self, params: Mapping[str, str]) -> None:
        if not params.get("app_id"):
            raise Refusal("isv.missing-app-id", "app_id is missing", code="40001")
        if params["app_id"] != self.app_id:
            raise Refusal("isv.invalid-app-id", "no such application", code="40002")
        if not params.get("method"):
            raise Refusal("isv.missing-method", "method is missing", code="40001")
        if params["method"] not in self.methods:
            raise Refusal("isv.invalid-method", "no such method", code="40002")

    def _form(self, params: Mapping[str, str], clock: datetime | None) -> None:
        for name in ("charset", "version", "timestamp"):
            if not params.get(name):
                raise Refusal(f"isv.missing-{name}", f"{name} is missing", code="40001")
        if params["charset"].lower() not in CHARSETS:
            raise Refusal("isv.invalid-charset", "charset must be utf-8 or gbk", code="40002")
        if params["version"] != "1.0":
            raise Refusal("isv.invalid-version", "version must be 1.0", code="40002")
        if params.get("format", "JSON").upper() != "JSON":
            raise Refusal("isv.invalid-format", "format must be JSON", code="40002")
        stamp = read_time(params["timestamp"]) if len(params["timestamp"]) == 19 else None
        if stamp is None or (clock is not None and abs(stamp - clock) > CLOCK_TOLERANCE):
            raise Refusal("isv.invalid-timestamp", "timestamp must be China Standard Time, and now", code="40002")

    def _signature(self, params: Mapping[str, str]) -> None:
        if not params.get("sign_type"):
            raise Refusal("isv.missing-signature-type", "sign_type is missing", code="40001")
        if params["sign_type"] != "RSA2":
            raise Refusal("isv.invalid-signature-type", "sign_type must be RSA2", code="40002")
        if not params.get("sign"):
            raise Refusal("isv.missing-signature", "sign is missing", code="40001")
        try:
            signature = base64.b64decode(params["sign"], validate=True)
            genuine = self.key.verify(canonical(params, params["charset"]), signature)
        except (binascii.Error, UnicodeEncodeError):
            genuine = False
        if not genuine:
            raise Refusal("isv.invalid-signature", "the signature does not fit", code="40002")

    def _certificates(self, params: Mapping[str, str]) -> None:
        if not params.get("app_cert_sn"):
            raise Refusal("isv.missing-app-cert-sn", "app_cert_sn is missing", code="40001")
        if params["app_cert_sn"] != self.app_cert_sn:
            raise Refusal("isv.app-cert-not-exist", "no such application certificate", code="40002")
        if not params.get("alipay_root_cert_sn"):
            raise Refusal("isv.missing-alipay-root-cert-sn", "alipay_root_cert_sn is missing", code="40001")
        if params["alipay_root_cert_sn"] != self.root_cert_sn:
            raise Refusal("isv.invalid-alipay-root-cert-sn", "the root certificates do not fit", code="40002")

    def _content(self, params: Mapping[str, str]) -> Mapping[str, object]:
        text = params.get("biz_content", "")
        if params.get("encrypt_type"):
            if self.encryption_key is None:
                raise Refusal("isv.missing-signature-config", "content encryption is not set up", code="40003")
            try:
                text = decrypt(self.encryption_key, text).decode(encoder(params["charset"]))
            except ValueError:
                raise Refusal("isv.decryption-error", "biz_content cannot be decrypted", code="40003") from None
        if not text:
            return {}
        try:
            content: object = json.loads(text)
        except ValueError:
            raise Refusal("isv.illegal-json", "biz_content is no JSON", code="40002") from None
        if not isinstance(content, dict):
            raise Refusal("isv.invalid-parameter", "biz_content must be an object", code="40002")
        return cast("dict[str, object]", content)


def read_parameters(incoming: Incoming) -> dict[str, str]:
    """Query and form together. Without ``charset`` in the query the body is read as GBK, as Alipay does."""
    charset = dict(parse_qsl(incoming.query)).get("charset", "gbk").lower()
    codec = charset if charset in CHARSETS else "utf-8"
    is_form = incoming.headers.get("content-type", _FORM).lower().startswith(_FORM)
    body = incoming.body.decode("latin-1") if is_form else ""
    params: dict[str, str] = {}
    for part in (incoming.query, body):
        params.update(parse_qsl(part, keep_blank_values=True, encoding=codec, errors="replace"))
    return params
