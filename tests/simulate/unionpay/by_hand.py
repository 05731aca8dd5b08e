"""A merchant who speaks to the simulator by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payport.adapters.unionpay.account import SignMethod
from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.forms import encode_form, parse_reply
from payport.adapters.unionpay.signing import content_digest, keyed_digest
from payport.adapters.unionpay.simulator import UnionPaySimulator, Wallet
from payport.adapters.unionpay.simulator.keys import merchant_leaf
from payport.adapters.unionpay.simulator.simulator import SECRET_KEY
from payport.schemas.actions import PostForm
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing.stepping import Time

BACK = "backTransReq.do"
QUERY = "queryTrans.do"


class Merchant:
    """Signs and sends by hand. ``time``: UnionPay's."""

    def __init__(self, method: SignMethod = "01", **changes: Any) -> None:
        self.time = Time()
        self.partner = UnionPaySimulator(method, clock=self.time, **changes)
        self.method = method
        self.numbers = 0

    def fields(self, kind: str, **changes: str) -> dict[str, str]:
        """A signed request. An empty change leaves the field out."""
        self.numbers += 1
        whole = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": self.method,
            "merId": "777290058100001",
            "accessType": "0",
            "txnType": kind[:2],
            "txnSubType": kind[3:],
            "bizType": "000000",
            "channelType": "08",
            "orderId": f"HAND{self.numbers:06d}",
            "txnTime": stamp(self.partner.now),
            "txnAmt": "1234",
            "currencyCode": "156",
            "backUrl": "https://shop.example/n",
            **changes,
        }
        if self.method == "01":
            whole.setdefault("certId", merchant_leaf("777290058100001").cert_id)
        kept = {name: value for name, value in whole.items() if value}
        if self.method == "01":
            kept.setdefault("signature", merchant_leaf("777290058100001").sign(content_digest(kept, "utf-8")))
        else:
            kept["signature"] = keyed_digest(kept, "utf-8", self.method, SECRET_KEY)
        return kept

    def send(self, path: str, fields: Mapping[str, str]) -> WireReply | SendFailure:
        """Post it."""
        request = WireRequest(
            endpoint="by hand",
            moves_money=True,
            method="POST",
            url=f"{self.partner.account.gateway_url}{path}",
            headers={},
            content=encode_form(fields, fields.get("encoding", "UTF-8")),
        )
        return self.partner.transport().send(request, 5.0)

    def call(self, kind: str, path: str = BACK, **changes: str) -> dict[str, str]:
        """One call and its reply."""
        answer = self.send(path, self.fields(kind, **changes))
        assert isinstance(answer, WireReply), answer
        return parse_reply(answer.content, "UTF-8")

    def paid(self, kind: str = "01/06", wallet: Wallet = Wallet.PAYS) -> dict[str, str]:
        """A scanned code, charged (or held)."""
        return self.call(kind, qrNo=self.partner.payer.code(wallet))

    def asked(self, reply: Mapping[str, str]) -> dict[str, str]:
        """How it ended."""
        return self.call("00/00", QUERY, orderId=reply["orderId"], txnTime=reply["txnTime"], txnAmt="")

    def back(self, kind: str, original: Mapping[str, str], amount: str = "1234", **changes: str) -> str:
        """The code of an undo, refund, completion or release."""
        return self.call(kind, origQryId=original["queryId"], txnAmt=amount, **changes)["respCode"]


def page(merchant: Merchant, kind: str = "01/01", **changes: str) -> PostForm:
    """A signed page."""
    until = stamp(merchant.partner.now.replace(hour=9))
    return PostForm(url="", fields=merchant.fields(kind, **{"payTimeout": until, "bizType": "000201", **changes}))
