"""The door of the gateway: who calls, is it signed, is it well formed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from payport.adapters.unionpay.beijing import from_stamp
from payport.adapters.unionpay.forms import codec_of
from payport.adapters.unionpay.simulator.rows import Refusal, Request
from payport.adapters.unionpay.simulator.seals import Seal

CLOCK_TOLERANCE = timedelta(minutes=15)
_ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}")
_STRUCTURE = re.compile(r"[&={}\[\]]")
_BASE64_TAIL = re.compile(r"[0-9A-Za-z+/]+={1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the gateway knows of one merchant."""

    mer_id: str
    seal: Seal
    kinds: frozenset[str]
    """``txnType/txnSubType`` of everything that there is."""

    def admit(
        self, path: str, fields: Mapping[str, str], *, now: datetime, clock: datetime | None, slow: bool = False
    ) -> Request:
        """The request that these fields make. ``now``: UnionPay's time.

        ``clock``: what ``txnTime`` is held to, ``None`` for what was signed earlier and is opened now, and for queries.
        Raises the refusal of the first rule that is broken.
        """
        request = Request(path=path, fields=fields, now=now, slow=slow)
        codec = codec_of(request.need("encoding"))
        if codec is None:
            raise Refusal("10", "encoding must be UTF-8 or GBK")
        if request.need("version") != "5.1.0" or request.need("signMethod") != self.seal.sign_method:
            raise Refusal("10", "version or signMethod is not the one agreed on")
        if not fields.get("signature") or not self.seal.is_merchants(fields, codec):
            raise Refusal("11", "[9100004]Signature verification failed")
        if request.need("merId") != self.mer_id:
            raise Refusal("31", "no such merchant")
        if request.kind not in self.kinds:
            raise Refusal("10", "no such transaction type")
        self._form(request, clock)
        return request

    def _form(self, request: Request, clock: datetime | None) -> None:
        needed = ["bizType", "accessType", "txnTime"]
        if request.kind not in ("76/01", "95/00"):
            needed.append("orderId")
        for name in needed:
            request.need(name)
        if "orderId" in request.fields and not _ORDER_ID.fullmatch(request.fields["orderId"]):
            raise Refusal("10", "orderId is 8 to 40 letters and digits")
        try:
            stamp = from_stamp(request.fields["txnTime"])
        except ValueError:
            raise Refusal("10", "txnTime is not yyyyMMddHHmmss") from None
        queries = request.kind.startswith("00/") or request.kind.startswith("99/")
        if clock is not None and not queries and abs(stamp - clock) > CLOCK_TOLERANCE:
            raise Refusal("10", "txnTime must be Beijing time, and now")
        reserved = request.fields.get("reqReserved", "")
        if _STRUCTURE.search(reserved) and not _BASE64_TAIL.fullmatch(reserved):
            raise Refusal("10", "reqReserved holds characters that structure a message")


def read_fields(body: bytes) -> dict[str, str]:
    """The fields of a posted form, in the encoding that it names."""
    plain = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1"))
    codec = codec_of(plain.get("encoding", "UTF-8")) or "utf-8"
    return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding=codec, errors="replace"))


def read_file_request(body: bytes) -> dict[str, str]:
    """The same for the file host: only the signature is percent-encoded."""
    return dict(parse_qsl(body.decode("utf-8", errors="replace").replace("+", "%2B"), keep_blank_values=True))
