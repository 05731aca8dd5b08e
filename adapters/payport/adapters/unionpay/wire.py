"""UnionPay's replies. On the wire the names are in camel case (``origRespCode``); amounts are text in fen.

Unknown fields are kept, unknown codes are text: what they mean is decided by the tables in ``mapping``.
Source: the ACP 5.1.0 interface papers, response parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """The base of all replies. Validation errors never quote what was sent."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        hide_input_in_errors=True,
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class Received(Wire):
    """What every reply and notice says."""

    mer_id: str | None = None
    order_id: str | None = None
    txn_time: str | None = None
    txn_type: str | None = None
    txn_sub_type: str | None = None
    biz_type: str | None = None
    resp_code: str
    resp_msg: str = ""
    req_reserved: str | None = Field(default=None, repr=False)
    reserved: str | None = Field(default=None, repr=False)


class UnionPayTransaction(Received):
    """A transaction as replies, queries and notices show it: the native record of a payment.

    ``query_id``: UnionPay's number, by which it is undone and refunded. ``orig_resp_code``: of a query, how the
    transaction that was asked about ended. ``settle_date``: the clearing day as ``MMDD``, not always the calendar's.
    ``acc_no``: masked, or encrypted for the merchant, and only with permission.
    """

    query_id: str | None = None
    orig_qry_id: str | None = None
    orig_resp_code: str | None = None
    orig_resp_msg: str | None = None
    txn_amt: str | None = None
    currency_code: str | None = None
    settle_amt: str | None = None
    settle_currency_code: str | None = None
    settle_date: str | None = None
    trace_no: str | None = None
    trace_time: str | None = None
    exchange_rate: str | None = None
    pay_type: str | None = None
    pay_card_type: str | None = None
    pay_card_no: str | None = Field(default=None, repr=False)
    pay_card_issue_name: str | None = None
    acc_no: str | None = Field(default=None, repr=False)
    customer_info: str | None = Field(default=None, repr=False)
    issuer_identify_mode: str | None = None
    pre_auth_id: str | None = None
    qr_code: str | None = Field(default=None, repr=False)
    tn: str | None = Field(default=None, repr=False)


class UnionPayToken(Received):
    """The opening of a card and its token: ``tokenPayData`` is a group ``{token=...&trId=...}``."""

    activate_status: str | None = None
    token_pay_data: str | None = Field(default=None, repr=False)
    acc_no: str | None = Field(default=None, repr=False)
    customer_info: str | None = Field(default=None, repr=False)
    pay_card_type: str | None = None


class UnionPayFile(Received):
    """A file: ``fileContent`` is base64 of zlib; :func:`payport.adapters.unionpay.sensitive.unpack_file` opens it."""

    file_name: str | None = None
    file_content: str | None = Field(default=None, repr=False)
    settle_date: str | None = None


class UnionPayCertificate(Received):
    """UnionPay's current certificate to encrypt card data with, PEM."""

    cert_type: str | None = None
    encrypt_pub_key_cert: str | None = Field(default=None, repr=False)


class UnionPayBatch(Received):
    """A batch: accepted, or how it went; its file is base64 of zlib."""

    batch_no: str | None = None
    total_qty: str | None = None
    total_amt: str | None = None
    file_content: str | None = Field(default=None, repr=False)
