"""Alipay (mainland China): ``gateway.do`` with RSA2, in public-key and certificate mode."""

from payport.adapters.alipay.account import PRODUCTION_URL, SANDBOX_URL, AlipayAccount, AlipayCertificates
from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.methods import AlipayMethod, AlipayPayee, FaceScanned, PayeeKind

__all__ = [
    "PRODUCTION_URL",
    "SANDBOX_URL",
    "Alipay",
    "AlipayAccount",
    "AlipayCertificates",
    "AlipayMethod",
    "AlipayPayee",
    "FaceScanned",
    "PayeeKind",
]
