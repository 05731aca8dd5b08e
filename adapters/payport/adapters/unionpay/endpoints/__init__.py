"""Every transaction of UnionPay that this adapter knows, typed, for ``gateway.native``.

::

    from payport.adapters.unionpay import endpoints

    gateway.native(
        endpoints.TRANSACTION_QUERY, endpoints.Query(order_id="SHOP10010001T001", txn_time="20261123120000")
    )

A native call is sent once and not journalled: for paying, holding and refunding use the uniform verbs, which survive a
crash. Single payouts (12/00), collections (11/02) and card-present payments are not here: their field lists are not
public.
"""

from payport.adapters.unionpay.endpoints.cards import (
    CLOSE_CARD,
    OPEN_CARD,
    OPEN_QUERY,
    SMS_CODE,
    TOKEN_QUERY,
    CardClose,
    CardQuery,
    OpenCard,
    SmsCode,
)
from payport.adapters.unionpay.endpoints.creation import (
    APP_CONSUME,
    CARD_CONSUME,
    FRONT_CONSUME,
    FRONT_INSTALMENT,
    FRONT_PRE_AUTH,
    QR_ORDER,
    QR_PRE_AUTH_SCANNED,
    QR_PRE_AUTH_SHOWN,
    QR_SCANNED,
    QR_SHOWN,
    AppConsume,
    CardConsume,
    Consume,
    FrontConsume,
    ScannedCode,
    ShownCode,
)
from payport.adapters.unionpay.endpoints.data import (
    BATCH_PAY,
    BATCH_QUERY,
    ENCRYPTION_KEY,
    FILE_TRANSFER,
    QR_QUERY,
    TRANSACTION_QUERY,
    BatchFile,
    BatchQuery,
    EncryptionKey,
    FileTransfer,
    Query,
)
from payport.adapters.unionpay.endpoints.endpoint import UnionPayEndpoint, UnionPayPage
from payport.adapters.unionpay.endpoints.fields import Customer
from payport.adapters.unionpay.endpoints.returning import (
    CONSUME_UNDO,
    PRE_AUTH_FINISH,
    PRE_AUTH_FINISH_UNDO,
    PRE_AUTH_UNDO,
    REFUND,
    REVERSAL,
    PreAuthFinish,
    Refund,
    Reversal,
    Undo,
)
from payport.adapters.unionpay.wire import (
    Received,
    UnionPayBatch,
    UnionPayCertificate,
    UnionPayFile,
    UnionPayToken,
    UnionPayTransaction,
)

__all__ = [
    "APP_CONSUME",
    "BATCH_PAY",
    "BATCH_QUERY",
    "CARD_CONSUME",
    "CLOSE_CARD",
    "CONSUME_UNDO",
    "ENCRYPTION_KEY",
    "FILE_TRANSFER",
    "FRONT_CONSUME",
    "FRONT_INSTALMENT",
    "FRONT_PRE_AUTH",
    "OPEN_CARD",
    "OPEN_QUERY",
    "PRE_AUTH_FINISH",
    "PRE_AUTH_FINISH_UNDO",
    "PRE_AUTH_UNDO",
    "QR_ORDER",
    "QR_PRE_AUTH_SCANNED",
    "QR_PRE_AUTH_SHOWN",
    "QR_QUERY",
    "QR_SCANNED",
    "QR_SHOWN",
    "REFUND",
    "REVERSAL",
    "SMS_CODE",
    "TOKEN_QUERY",
    "TRANSACTION_QUERY",
    "AppConsume",
    "BatchFile",
    "BatchQuery",
    "CardClose",
    "CardConsume",
    "CardQuery",
    "Consume",
    "Customer",
    "EncryptionKey",
    "FileTransfer",
    "FrontConsume",
    "OpenCard",
    "PreAuthFinish",
    "Query",
    "Received",
    "Refund",
    "Reversal",
    "ScannedCode",
    "ShownCode",
    "SmsCode",
    "Undo",
    "UnionPayBatch",
    "UnionPayCertificate",
    "UnionPayEndpoint",
    "UnionPayFile",
    "UnionPayPage",
    "UnionPayToken",
    "UnionPayTransaction",
]
