"""Notices: signed or encrypted like WeChat's, kept for tests to hand over, and posted when there is somewhere to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from payport.adapters.wechatpay_v2.account import SignType
from payport.adapters.wechatpay_v2.encryption import decrypt, encrypt
from payport.adapters.wechatpay_v2.signing import kind_of
from payport.adapters.wechatpay_v2.simulator.books import Happening
from payport.adapters.wechatpay_v2.simulator.service import Service
from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.strict_xml import MalformedXml, parse_flat, write_flat
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox


def accepts(answer: Acknowledgement) -> bool:
    """WeChat takes an XML with return_code SUCCESS for an acknowledgement."""
    try:
        return answer.status == 200 and parse_flat(answer.body, root="xml").get("return_code") == "SUCCESS"
    except MalformedXml:
        return False


class Notices(Mailbox):
    """What WeChat has told so far, oldest first, ready for ``gateway.receive``."""

    def __init__(self, service: Service, deliver: Callable[[Letter], None]) -> None:
        super().__init__(deliver)
        self._service = service

    def tell(self, happening: Happening) -> None:
        """Deliver (or hold back) one notice; without an address there is none to deliver."""
        if happening.address is None:
            return
        raw = self._refund(happening.fields) if happening.secret else self._payment(happening)
        self.post(Letter(lambda: raw, happening.address))

    def altered(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """Another genuine notice: ``raw`` with fields changed, signed or encrypted anew by WeChat."""
        fields = parse_flat(raw.body, root="xml")
        if "req_info" in fields:
            plain = parse_flat(decrypt(self._service.api_key, fields["req_info"]), root="root")
            return self._refund({**plain, **changes})
        kind = kind_of(fields["sign"]) or SignType.MD5
        told = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
        return _raw(self._service.message({**told, **changes}, kind))

    def forged(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """``raw`` with some fields changed and the old signature left: what an attacker can make."""
        return _raw(write_flat({**parse_flat(raw.body, root="xml"), **changes}, root="xml"))

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        fields = parse_flat(raw.body, root="xml")
        return _raw(write_flat({name: value for name, value in fields.items() if name != "sign"}, root="xml"))

    def _payment(self, happening: Happening) -> RawNotification:
        return _raw(self._service.message(happening.fields, SignType(happening.sign_type or SignType.MD5.value)))

    def _refund(self, fields: Mapping[str, str]) -> RawNotification:
        """The envelope is not signed; what it holds is encrypted under the shared key."""
        service = self._service
        whole = {"return_code": "SUCCESS", **service.books.identity, "nonce_str": "TeqClE3i0mvn3DrK"}
        whole["req_info"] = encrypt(service.api_key, write_flat(fields, root="root"))
        return _raw(service.written(whole))


def _raw(body: bytes) -> RawNotification:
    return RawNotification(body=body, headers={"content-type": "text/xml"})
