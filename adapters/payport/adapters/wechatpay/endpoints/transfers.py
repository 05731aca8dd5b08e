"""Transfers: single ones that the payee confirms, and the batches that older merchants have.

Source: pay.weixin.qq.com, "merchant transfer" (since 2025-01-15), "transfer to balance" (batches).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import (
    BillNo,
    Fen,
    Notified,
    Part,
    Request,
    Text32,
    Text36,
    Text64,
    Text128,
    Text256,
)
from payport.adapters.wechatpay.wire import WeChatPayTransfer, Wire


class SceneReport(Part):
    """What the scene demands to be said."""

    info_type: Text32
    info_content: Text256


class ReceivingStyle(Part):
    """How the payee receives it: ``RED_PACKET`` up to 200 yuan."""

    type: Literal["CONFIRM_PAGE", "RED_PACKET"]


class NewTransfer(Notified):
    """Send money to a user. ``user_name`` leaves encrypted: demanded from 2,000 yuan up, refused below 0.30."""

    own = ("appid",)
    partners = ("appid",)
    hidden = ("user_name",)

    out_bill_no: BillNo
    transfer_scene_id: Text36
    openid: Text64 = Field(repr=False)
    transfer_amount: Fen
    transfer_remark: Text32
    transfer_scene_report_infos: tuple[SceneReport, ...]
    user_name: Text128 | None = Field(default=None, repr=False)
    user_recv_perception: Text32 | None = None
    user_recv_style: ReceivingStyle | None = None


class TransferByOutBillNo(Request):
    """By the merchant's number; for 30 days."""

    out_bill_no: BillNo


class TransferByBillNo(Request):
    """By WeChat's number; for 30 days."""

    transfer_bill_no: Text64


class TransferCancel(TransferByOutBillNo):
    """Take it back before the payee confirmed. Asynchronous: ask about it."""


class BatchDetail(Part):
    """One transfer of a batch. Names: absent below 0.30 yuan, demanded from 2,000 up, else all or none."""

    out_detail_no: BillNo
    transfer_amount: Fen
    transfer_remark: Text32
    openid: Text64 = Field(repr=False)
    user_name: Text128 | None = Field(default=None, repr=False)


class NewBatch(Notified):
    """Send money to up to 1,000 users. For merchants that had it before 2025."""

    own = ("appid",)
    partners = ("appid",)
    hidden = ("transfer_detail_list/*/user_name",)

    out_batch_no: BillNo
    batch_name: Text32
    batch_remark: Text32
    total_amount: Fen
    total_num: Annotated[int, Field(ge=1, le=1000)]
    transfer_detail_list: Annotated[tuple[BatchDetail, ...], Field(min_length=1, max_length=1000)]
    transfer_scene_id: Text36 | None = None


class BatchCreated(Wire):
    """``batch_status``: ``ACCEPTED``, or ``WAIT_PAY`` where somebody must approve it in the console."""

    out_batch_no: str
    batch_id: str
    create_time: str | None = None
    batch_status: str | None = None


class BatchQuery(Request):
    """How a batch stands. ``offset``, ``limit`` (20 to 100) and ``detail_status`` are for its list of transfers."""

    need_query_detail: bool = False
    offset: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=20, le=100)] | None = None
    detail_status: Literal["ALL", "SUCCESS", "FAIL", "WAIT_PAY"] | None = None


class BatchById(BatchQuery):
    """By WeChat's number."""

    batch_id: Text64


class BatchByOutNo(BatchQuery):
    """By the merchant's number."""

    out_batch_no: BillNo


class Batch(Wire):
    """``batch_status``: ``WAIT_PAY``, ``ACCEPTED``, ``PROCESSING``, ``FINISHED`` (read each transfer), ``CLOSED``."""

    out_batch_no: str
    batch_id: str
    batch_status: str
    total_amount: int | None = None
    total_num: int | None = None
    success_amount: int | None = None
    success_num: int | None = None
    fail_amount: int | None = None
    fail_num: int | None = None
    close_reason: str | None = None
    create_time: str | None = None
    update_time: str | None = None


class BatchTransferBrief(Wire):
    """One transfer in a batch's list."""

    detail_id: str
    out_detail_no: str
    detail_status: str


class BatchState(Wire):
    """A batch and, when asked for, one page of its transfers."""

    transfer_batch: Batch
    transfer_detail_list: list[BatchTransferBrief] | None = None


class BatchTransferById(Request):
    """One transfer of a batch, by WeChat's numbers."""

    batch_id: Text64
    detail_id: Text64


class BatchTransferByOutNo(Request):
    """One transfer of a batch, by the merchant's numbers."""

    out_batch_no: BillNo
    out_detail_no: BillNo


class BatchTransfer(Wire):
    """``detail_status``: ``INIT``, ``WAIT_PAY``, ``PROCESSING``, ``SUCCESS``, ``FAIL``. The name: encrypted for us."""

    out_batch_no: str
    batch_id: str
    out_detail_no: str
    detail_id: str
    detail_status: str
    transfer_amount: int | None = None
    transfer_remark: str | None = None
    fail_reason: str | None = None
    openid: str | None = Field(default=None, repr=False)
    user_name: str | None = Field(default=None, repr=False)
    update_time: str | None = None


_BILLS, _BATCHES = "/v3/fund-app/mch-transfer/transfer-bills", "/v3/transfer/batches"
TRANSFER: WeChatPayEndpoint[NewTransfer, WeChatPayTransfer] = WeChatPayEndpoint(f"POST {_BILLS}", WeChatPayTransfer)
TRANSFER_BY_OUT_BILL_NO: WeChatPayEndpoint[TransferByOutBillNo, WeChatPayTransfer] = WeChatPayEndpoint(
    f"GET {_BILLS}/out-bill-no/{{out_bill_no}}", WeChatPayTransfer, moves_money=False
)
TRANSFER_BY_BILL_NO: WeChatPayEndpoint[TransferByBillNo, WeChatPayTransfer] = WeChatPayEndpoint(
    f"GET {_BILLS}/transfer-bill-no/{{transfer_bill_no}}", WeChatPayTransfer, moves_money=False
)
TRANSFER_CANCEL: WeChatPayEndpoint[TransferCancel, WeChatPayTransfer] = WeChatPayEndpoint(
    f"POST {_BILLS}/out-bill-no/{{out_bill_no}}/cancel", WeChatPayTransfer
)
BATCH: WeChatPayEndpoint[NewBatch, BatchCreated] = WeChatPayEndpoint(f"POST {_BATCHES}", BatchCreated)
BATCH_BY_ID: WeChatPayEndpoint[BatchById, BatchState] = WeChatPayEndpoint(
    f"GET {_BATCHES}/batch-id/{{batch_id}}", BatchState, moves_money=False
)
BATCH_BY_OUT_NO: WeChatPayEndpoint[BatchByOutNo, BatchState] = WeChatPayEndpoint(
    f"GET {_BATCHES}/out-batch-no/{{out_batch_no}}", BatchState, moves_money=False
)
BATCH_TRANSFER_BY_ID: WeChatPayEndpoint[BatchTransferById, BatchTransfer] = WeChatPayEndpoint(
    f"GET {_BATCHES}/batch-id/{{batch_id}}/details/detail-id/{{detail_id}}", BatchTransfer, moves_money=False
)
BATCH_TRANSFER_BY_OUT_NO: WeChatPayEndpoint[BatchTransferByOutNo, BatchTransfer] = WeChatPayEndpoint(
    f"GET {_BATCHES}/out-batch-no/{{out_batch_no}}/details/out-detail-no/{{out_detail_no}}",
    BatchTransfer,
    moves_money=False,
)
