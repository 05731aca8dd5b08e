"""Questions, files, keys and batches.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from payport.adapters.unionpay.calls import BACK, BATCH, FILES, QUERY
from payport.adapters.unionpay.endpoints.endpoint import Kind, UnionPayEndpoint
from payport.adapters.unionpay.endpoints.fields import Digits2, Fen, Notified, Ordered, OrderId, Request, Stamp, Timed
from payport.adapters.unionpay.wire import UnionPayBatch, UnionPayCertificate, UnionPayFile, UnionPayTransaction


class Query(Request):
    """How a transaction ended. Number and time are *its* own, never those of the asking."""

    order_id: OrderId
    txn_time: Stamp


class FileTransfer(Timed):
    """A file of a clearing day. ``settle_date``: ``MMDD``, not always the calendar's day."""

    settle_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
    file_type: Digits2 = "00"


class EncryptionKey(Ordered):
    """UnionPay's current certificate to encrypt card data with: ask once a day; old and new serve for a month."""

    cert_type: Digits2 = "01"


class BatchFile(Notified):
    """Many payouts or collections as one file. Which of them were carried out, :data:`BATCH_QUERY` tells."""

    batch_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
    total_qty: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}$")]
    total_amt: Fen
    file_content: str = Field(repr=False, min_length=1)


class BatchQuery(Ordered):
    """How a batch went, by its number and the time of the file."""

    batch_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]


TRANSACTION_QUERY: UnionPayEndpoint[Query, UnionPayTransaction] = UnionPayEndpoint(
    Kind(QUERY, "00", "00", "000000"), UnionPayTransaction, moves_money=False
)
QR_QUERY: UnionPayEndpoint[Query, UnionPayTransaction] = UnionPayEndpoint(
    Kind(BACK, "00", "00", "000000"), UnionPayTransaction, moves_money=False
)
FILE_TRANSFER: UnionPayEndpoint[FileTransfer, UnionPayFile] = UnionPayEndpoint(
    Kind(FILES, "76", "01", "000000"), UnionPayFile, moves_money=False
)
ENCRYPTION_KEY: UnionPayEndpoint[EncryptionKey, UnionPayCertificate] = UnionPayEndpoint(
    Kind(BACK, "95", "00", "000000", "07"), UnionPayCertificate, moves_money=False
)
BATCH_PAY: UnionPayEndpoint[BatchFile, UnionPayBatch] = UnionPayEndpoint(
    Kind(BATCH, "21", "03", "000401", "07"), UnionPayBatch
)
BATCH_QUERY: UnionPayEndpoint[BatchQuery, UnionPayBatch] = UnionPayEndpoint(
    Kind(BATCH, "22", "03", "000401", "07"), UnionPayBatch, moves_money=False
)
