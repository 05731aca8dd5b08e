"""One call of the gateway: what is asked, its common fields and signature, and sending it.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.unionpay import signing
from payport.adapters.unionpay.account import Acquirer, SubMerchant
from payport.adapters.unionpay.forms import codec_of, encode_for_file_host, encode_form
from payport.schemas.outcome import UnknownKind
from payport.sdk import exchange
from payport.sdk.calling import call
from payport.sdk.exchange import Exchange
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.unionpay.account import UnionPayAccount
    from payport.adapters.unionpay.adapter import UnionPay

FRONT = "frontTransReq.do"
"""Posted by the payer's browser; everything else is called from here."""
APP = "appTransReq.do"
BACK = "backTransReq.do"
QUERY = "queryTrans.do"
BATCH = "batchTrans.do"
ORDER = "order.do"
FILES = ""
"""The file host, which has no path and another implementation."""

VERSION = "5.1.0"
BROWSERS_ENCODING = "UTF-8"
"""A browser posts a form in the encoding of the page that it stands on, which is UTF-8."""
MAX_FILE_REPLY_BYTES = 64 * 1024 * 1024

_to_sorted_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to call: frozen in the journal whole, ``txnTime`` included; only the signature is made anew on every try."""

    path: str
    fields: Mapping[str, str] = field(repr=False)
    moves_money: bool = True

    @property
    def name(self) -> str:
        """How limits, logs and faults call it: path and transaction type, ``backTransReq.do 04/00``."""
        return f"{self.path} {self.fields['txnType']}/{self.fields['txnSubType']}".strip()

    def encode(self) -> bytes:
        """The whole call as kept in the journal."""
        return _to_sorted_text(
            {"v": 1, "path": self.path, "fields": dict(self.fields), "moves_money": self.moves_money}
        ).encode()

    @classmethod
    def decode(cls, text: bytes) -> Call:
        """The call that :meth:`encode` wrote, by this version or an older one."""
        kept = json.loads(text)
        return cls(path=kept["path"], fields=kept["fields"], moves_money=kept["moves_money"])


def signed_fields(unionpay: UnionPay, request: Call) -> Exchange[dict[str, str]]:
    """Every field of the request with its signature. Values are not percent-encoded yet."""
    account, keys = unionpay.config, unionpay.keys
    encoding = encoding_of(account, request)
    codec = codec_of(encoding) or ""
    fields = signing.sendable(
        {
            "version": VERSION,
            "encoding": encoding,
            "signMethod": account.sign_method,
            **institution(account),
            **request.fields,
        }
    )
    if keys.signing is None:
        assert keys.secret is not None
        fields[signing.SIGNATURE] = signing.keyed_digest(fields, codec, account.sign_method, keys.secret.reveal())
        return fields
    fields["certId"] = keys.signing.cert_id
    signature = yield from exchange.sign(keys.signing.private, signing.content_digest(fields, codec))
    fields[signing.SIGNATURE] = base64.b64encode(signature).decode()
    return fields


def encoding_of(account: UnionPayAccount, request: Call) -> str:
    """The encoding that a call is signed and sent in."""
    return BROWSERS_ENCODING if request.path == FRONT else account.encoding


def institution(account: UnionPayAccount) -> dict[str, str]:
    """Who calls: the merchant itself, an acquirer, or a platform for one of its merchants."""
    match account.acting_as:
        case None:
            return {"merId": account.mer_id, "accessType": "0"}
        case Acquirer() as acquirer:
            return {
                "merId": account.mer_id,
                "accessType": "1",
                "acqInsCode": acquirer.acq_ins_code,
                "merCatCode": acquirer.mer_cat_code,
                "merName": acquirer.mer_name,
                "merAbbr": acquirer.mer_abbr,
            }
        case SubMerchant() as merchant:
            return {
                "merId": account.mer_id,
                "accessType": "2",
                "subMerId": merchant.sub_mer_id,
                "subMerName": merchant.sub_mer_name,
                "subMerAbbr": merchant.sub_mer_abbr,
            }


def send_call(
    unionpay: UnionPay, request: Call, deadline_s: float, *, not_after: datetime | None = None
) -> Exchange[WireReply | Observation]:
    """The HTTP reply as it came, or why there is none worth reading."""
    account = unionpay.config
    fields = yield from signed_fields(unionpay, request)
    file = request.path == FILES
    wire = WireRequest(
        endpoint=request.name,
        moves_money=request.moves_money,
        method="POST",
        url=account.files_at if file else account.gateway_url + request.path,
        headers={"content-type": f"application/x-www-form-urlencoded;charset={account.encoding}"},
        content=(encode_for_file_host if file else encode_form)(fields, account.encoding),
        not_after=not_after,
        **({"max_reply_bytes": MAX_FILE_REPLY_BYTES} if file else {}),
    )
    reply = yield from call(unionpay, wire, deadline_s)
    if isinstance(reply, Observation) or reply.status == 200:
        return reply
    busy = reply.status == 429 or reply.status >= 500
    kind = UnknownKind.PARTNER_FAULT if busy else UnknownKind.UNREADABLE
    return doubt(Source.REPLY, kind, f"HTTP status {reply.status}", again=busy)
