"""Bills, ledger lines and certificates.

Sources: open.alipay.com, alipay.data.dataservice.bill.downloadurl.query, alipay.data.bill.accountlog.query,
alipay.open.app.alipaycert.download.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from payport.adapters.alipay.endpoints.endpoint import AlipayEndpoint
from payport.adapters.alipay.endpoints.fields import ChinaTime, Request, Text28, Text64
from payport.adapters.alipay.verifying import DOWNLOAD
from payport.adapters.alipay.wire import Wire


class BillDownloadUrlQuery(Request):
    """``alipay.data.dataservice.bill.downloadurl.query``: where the bill of a day or month can be fetched.

    A day's bill is ready at about nine the next morning, a month's on about the third of the next.
    """

    bill_type: Literal["trade", "signcustomer", "merchant_act", "trade_zft_merchant", "zft_acc", "settlementMerge"]
    bill_date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")]
    smid: Text28 | None = None


class BillDownloadUrl(Wire):
    """An address that is good for half a minute, on another host: send it no credentials.

    ``bill_file_code``: ``EMPTY_DATA_WITH_BILL_FILE`` when there were no lines.
    """

    bill_download_url: str = Field(repr=False)
    bill_file_code: str | None = None


class AccountLogQuery(Request):
    """``alipay.data.bill.accountlog.query``: movements of the balance, ``start_time`` included, ``end_time`` not.

    At most 31 days, of the last year. Pages begin at 1 and hold 1,000 to 2,000 lines.
    """

    start_time: ChinaTime
    end_time: ChinaTime
    page_no: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")] = "1"
    page_size: Annotated[str, StringConstraints(pattern=r"^(1[0-9]{3}|2000)$")] = "2000"
    alipay_order_no: Text64 | None = None
    merchant_order_no: Text64 | None = None
    trans_code: Text64 | None = None
    bill_user_id: Text28 | None = None


class AccountLogLine(Wire):
    """One movement. Amounts in yuan, ``trans_dt`` in China Standard Time."""

    account_log_id: str | None = None
    alipay_order_no: str | None = None
    merchant_order_no: str | None = None
    trans_dt: str | None = None
    trans_amount: str | None = None
    direction: str | None = None
    balance: str | None = None
    type: str | None = None
    other_account: str | None = Field(default=None, repr=False)
    trans_memo: str | None = Field(default=None, repr=False)


class AccountLog(Wire):
    """One page of movements."""

    page_no: int | str | None = None
    page_size: int | str | None = None
    total_size: int | str | None = None
    detail_list: list[AccountLogLine] | None = None


class CertificateDownload(Request):
    """``alipay.open.app.alipaycert.download``: Alipay's certificate of a number. Trust it by its chain only."""

    alipay_cert_sn: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class DownloadedCertificate(Wire):
    """``alipay_cert_content``: base64 of PEM."""

    alipay_cert_content: str = Field(repr=False)


BILL_DOWNLOADURL_QUERY: AlipayEndpoint[BillDownloadUrlQuery, BillDownloadUrl] = AlipayEndpoint(
    "alipay.data.dataservice.bill.downloadurl.query", BillDownloadUrl, moves_money=False
)
BILL_ACCOUNTLOG_QUERY: AlipayEndpoint[AccountLogQuery, AccountLog] = AlipayEndpoint(
    "alipay.data.bill.accountlog.query", AccountLog, moves_money=False
)
ALIPAYCERT_DOWNLOAD: AlipayEndpoint[CertificateDownload, DownloadedCertificate] = AlipayEndpoint(
    DOWNLOAD, DownloadedCertificate, moves_money=False
)
