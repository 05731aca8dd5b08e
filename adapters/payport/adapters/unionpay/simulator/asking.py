"""Queries, and everything that moves no money: files, keys, cards, batches."""

from __future__ import annotations

from datetime import timedelta

from payport.adapters.unionpay.beijing import BEIJING, clearing_day
from payport.adapters.unionpay.forms import write_group
from payport.adapters.unionpay.sensitive import pack_file
from payport.adapters.unionpay.simulator.books import Books, code_of
from payport.adapters.unionpay.simulator.keys import encryption_leaf
from payport.adapters.unionpay.simulator.rows import Card, Refusal, Request, Status, Transaction


def query(books: Books, request: Request) -> dict[str, str]:
    """How the transaction of this number and time ended."""
    row = books.known(request.fields)
    lag = timedelta(seconds=books.query_lag_s)
    if row is None or row.status is Status.OFFERED or request.now < row.created_at + lag:
        raise Refusal("34", "查无此交易[2600000]")
    code = code_of(row)
    message = {"00": "成功[0000000]", "05": "交易处理中[0000005]"}.get(code, f"失败[{code}00000]")
    return {**facts(row), "origRespCode": code, "origRespMsg": message}


def facts(row: Transaction) -> dict[str, str]:
    """What queries and notices say of a transaction."""
    said = {
        name: row.asked[name]
        for name in ("txnType", "txnSubType", "bizType", "accessType", "orderId", "txnTime", "reqReserved")
        if name in row.asked
    }
    said |= {"queryId": row.query_id, "txnAmt": str(row.amount_minor), "currencyCode": "156"}
    if row.original is not None:
        said["origQryId"] = row.original.query_id
    if row.at is not None:
        said |= {
            "traceNo": row.trace_no,
            "traceTime": f"{row.at.astimezone(BEIJING):%m%d%H%M%S}",
            "settleDate": f"{clearing_day(row.at):%m%d}",
            "settleAmt": str(row.amount_minor),
            "settleCurrencyCode": "156",
        }
    if row.txn_type == "02" and row.status is Status.DONE:
        said["preAuthId"] = row.query_id[-6:]
    return said


def download(books: Books, request: Request) -> dict[str, str]:
    """The file of a clearing day, when somebody put one there."""
    day = request.need("settleDate")
    content = books.files.get(day)
    if content is None:
        raise Refusal("98", "文件不存在[5600001]")
    return {"fileName": f"{books.mer_id}_{day}.zip", "fileContent": pack_file(content), "settleDate": day}


def encryption_certificate(books: Books, request: Request) -> dict[str, str]:
    """The certificate to encrypt card data with."""
    del books
    if request.need("certType") != "01":
        raise Refusal("10", "certType must be 01")
    return {"certType": "01", "encryptPubKeyCert": encryption_leaf().wire_pem()}


def send_code(books: Books, request: Request) -> dict[str, str]:
    """A text message with a code: nobody reads it here."""
    del books
    request.amount()
    return {}


def open_card(books: Books, request: Request) -> Card:
    """The page on which a payer opens a card; opened at once."""
    card = Card(order_id=request.need("orderId"), token=f"6235{len(books.cards):015d}", asked=request.fields)
    return books.cards.setdefault(card.order_id, card)


def query_card(books: Books, request: Request) -> dict[str, str]:
    """Whether a card was opened, and its token."""
    card = _card(books, request)
    return {"activateStatus": "1" if card.active else "0", "tokenPayData": write_group({"token": card.token})}


def close_card(books: Books, request: Request) -> dict[str, str]:
    """Give an opened card back."""
    _card(books, request).active = False
    return {}


def batch(books: Books, request: Request) -> dict[str, str]:
    """A batch, accepted; or (22) how it went."""
    number = request.need("batchNo")
    if request.kind == "22/03":
        if number not in books.batches:
            raise Refusal("34", "no such batch")
        return {name: books.batches[number][name] for name in ("batchNo", "totalQty", "totalAmt", "fileContent")}
    if number in books.batches:
        raise Refusal("12", "repeated batch")
    for name in ("totalQty", "totalAmt", "fileContent"):
        request.need(name)
    books.batches[number] = request.fields
    return {"batchNo": number}


def _card(books: Books, request: Request) -> Card:
    card = books.cards.get(request.need("orderId"))
    if card is None:
        raise Refusal("34", "no such card")
    return card
