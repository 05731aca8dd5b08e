"""China UnionPay: the all-channel platform (ACP) 5.1.0, with RSA certificates or a shared key."""

from payport.adapters.unionpay.account import (
    PRODUCTION_URL,
    TEST_URL,
    Acquirer,
    SubMerchant,
    UnionPayAccount,
    UnionPayAuthority,
    UnionPayKey,
)
from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.methods import ApplePay, BusinessPage, UnionPayMethod

__all__ = [
    "PRODUCTION_URL",
    "TEST_URL",
    "Acquirer",
    "ApplePay",
    "BusinessPage",
    "SubMerchant",
    "UnionPay",
    "UnionPayAccount",
    "UnionPayAuthority",
    "UnionPayKey",
    "UnionPayMethod",
]
