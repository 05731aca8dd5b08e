"""Bills, certificates, and the test without money.

The file behind ``download_url`` is signed for like any question, and its answer is not signed: only the hash vouches.
Source: pay.weixin.qq.com, "download bills", "platform certificates", "test of signature and encryption".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import Address, Day, OfSub, Request, Text32, Text256
from payport.adapters.wechatpay.endpoints.sharing import BillFile
from payport.adapters.wechatpay.wire import Wire

Packed = Literal["GZIP"]


class TradeBillQuery(OfSub):
    """The payments and refunds of a day, from 10 o'clock of the next."""

    bill_date: Day
    bill_type: (
        Literal["ALL", "SUCCESS", "REFUND", "RECHARGE_REFUND", "ALL_SPECIAL", "SUC_SPECIAL", "REF_SPECIAL"] | None
    ) = None
    tar_type: Packed | None = None


class FundFlowBillQuery(Request):
    """Every movement of an account on a day; payouts stand here only."""

    bill_date: Day
    account_type: Literal["BASIC", "OPERATION", "FEES"] | None = None
    tar_type: Packed | None = None


class SubMerchantFundFlowBillQuery(Request):
    """The movements of a sub-merchant, encrypted for the service provider."""

    sub_mchid: Text32
    bill_date: Day
    account_type: Literal["BASIC", "OPERATION", "FEES", "DEPOSIT"]
    algorithm: Literal["AEAD_AES_256_GCM"] = "AEAD_AES_256_GCM"
    tar_type: Packed | None = None


class EncryptedBillFile(BillFile):
    """One file of several. ``encrypt_key`` is decrypted with the merchant's private key."""

    bill_sequence: int | None = None
    encrypt_key: str | None = Field(default=None, repr=False)
    nonce: str | None = None


class EncryptedBills(Wire):
    """The files of a bill."""

    download_bill_count: int | None = None
    download_bill_list: list[EncryptedBillFile]


class CertificatesQuery(Request):
    """The platform certificates. The adapter fetches them by itself; this is for looking."""

    algorithm_type: Literal["RSA", "SM2", "ALL"] | None = None


class EncryptedCertificate(Wire):
    """A certificate as it is listed, encrypted with the API v3 key."""

    algorithm: str
    nonce: str
    associated_data: str | None = None
    ciphertext: str = Field(repr=False)


class ListedCertificate(Wire):
    """One certificate with its serial number and its life."""

    serial_no: str
    effective_time: str | None = None
    expire_time: str | None = None
    encrypt_certificate: EncryptedCertificate


class CertificateList(Wire):
    """What WeChat signs with, where it signs with certificates."""

    data: list[ListedCertificate]


class Echo(Request):
    """Say something and hear it again: signature, encryption and, with ``notify_url``, the callback. No money."""

    hidden = ("encrypted_echo_message",)

    echo_message: Text256
    encrypted_echo_message: Text256 | None = Field(default=None, repr=False)
    notify_url: Address | None = None


class Echoed(Wire):
    """What was said. The encrypted text comes back encrypted for the merchant."""

    echo_message: str | None = None
    encrypted_echo_message: str | None = Field(default=None, repr=False)


TRADE_BILL: WeChatPayEndpoint[TradeBillQuery, BillFile] = WeChatPayEndpoint(
    "GET /v3/bill/tradebill", BillFile, moves_money=False
)
FUND_FLOW_BILL: WeChatPayEndpoint[FundFlowBillQuery, BillFile] = WeChatPayEndpoint(
    "GET /v3/bill/fundflowbill", BillFile, moves_money=False
)
SUB_MERCHANT_FUND_FLOW_BILL: WeChatPayEndpoint[SubMerchantFundFlowBillQuery, EncryptedBills] = WeChatPayEndpoint(
    "GET /v3/bill/sub-merchant-fundflowbill", EncryptedBills, moves_money=False
)
CERTIFICATES: WeChatPayEndpoint[CertificatesQuery, CertificateList] = WeChatPayEndpoint(
    "GET /v3/certificates", CertificateList, moves_money=False
)
ECHO: WeChatPayEndpoint[Echo, Echoed] = WeChatPayEndpoint("POST /v3/security/echo", Echoed, moves_money=False)
