"""Notifications: signed like UnionPay's, kept for tests to hand over, and posted when there is somewhere to post to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from payport.adapters.unionpay.forms import codec_of, encode_form, parse_notice
from payport.adapters.unionpay.signing import SIGNATURE
from payport.adapters.unionpay.simulator.asking import facts
from payport.adapters.unionpay.simulator.books import Happening
from payport.adapters.unionpay.simulator.seals import Seal
from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.mailbox import Mailbox


class Notices(Mailbox):
    """What UnionPay has told so far, oldest first, ready for ``gateway.receive``. ``copies``: of each delivery."""

    def __init__(self, mer_id: str, seal: Seal, deliver: Callable[[Letter], None]) -> None:
        super().__init__(deliver)
        self._mer_id = mer_id
        self._seal = seal

    def tell(self, happening: Happening) -> None:
        """Sign and deliver (or hold back) the notice of one happening."""
        fields = self._fields(happening)
        self.post(Letter(lambda: self._signed(fields), happening.row.asked.get("backUrl")))

    def altered(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """Another genuine notice: ``raw`` with fields changed and signed anew by UnionPay."""
        return self._signed({**parse_notice(raw.body), **changes})

    def forged(self, raw: RawNotification, changes: Mapping[str, str]) -> RawNotification:
        """``raw`` with some fields changed and the old signature left: what an attacker can make."""
        return _raw({**parse_notice(raw.body), **changes})

    def unsigned(self, raw: RawNotification) -> RawNotification:
        """``raw`` without its signature."""
        return _raw({name: value for name, value in parse_notice(raw.body).items() if name != SIGNATURE})

    def signed_by_merchant(self, raw: RawNotification) -> RawNotification:
        """``raw`` signed with a merchant's certificate of the same authority: sound chain, wrong name."""
        fields = parse_notice(raw.body)
        codec = codec_of(fields.get("encoding", "UTF-8")) or "utf-8"
        return _raw(self._seal.signed(fields, codec, by=self._seal.merchant))

    def _fields(self, happening: Happening) -> dict[str, str]:
        return {
            **facts(happening.row),
            "version": "5.1.0",
            "encoding": happening.row.asked.get("encoding", "UTF-8"),
            "merId": self._mer_id,
            "respCode": happening.code,
            "respMsg": "成功[0000000]" if happening.code == "00" else f"失败[{happening.code}00000]",
        }

    def _signed(self, fields: Mapping[str, str]) -> RawNotification:
        codec = codec_of(fields.get("encoding", "UTF-8")) or "utf-8"
        return _raw(self._seal.signed(fields, codec))


def _raw(fields: Mapping[str, str]) -> RawNotification:
    encoding = fields.get("encoding", "UTF-8")
    headers = {"content-type": f"application/x-www-form-urlencoded;charset={encoding}"}
    return RawNotification(body=encode_form(fields, encoding), headers=headers)
