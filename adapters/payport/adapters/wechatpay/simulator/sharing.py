"""Profit sharing: parts of a payment for others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from payport.adapters.wechatpay.simulator.books import Books
from payport.adapters.wechatpay.simulator.calls import Answer, Call, Refusal, canonical, wire_time, wrong
from payport.adapters.wechatpay.simulator.keys import pair
from payport.adapters.wechatpay.simulator.ledger import EntryKind
from payport.adapters.wechatpay.simulator.rows import (
    PAID_STATES,
    OrderRow,
    ShareReturnRow,
    ShareRow,
    SplitRow,
)

SPLIT_TAKES = timedelta(minutes=1)
MOST_REQUESTS = 20
MOST_RECEIVERS = 50
MOST_SHARED = 3000
_KINDS = ("MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID")
_LONG = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)


def order(books: Books, call: Call) -> Answer:
    """Share a payment out among receivers that were added before; done a little later."""
    wanted = call.records("/receivers")
    if len(wanted) > MOST_RECEIVERS or not (wanted or call.flag("/unfreeze_unsplit")):
        raise wrong("/receivers", len(wanted), f"1 to {MOST_RECEIVERS}")
    split = _known(books, call)
    if split is None:
        row = _payment(books, call)
        shares = [_share(books, call.part(item), index) for index, item in enumerate(wanted)]
        if sum(share.amount_minor for share in shares) > _free(books, row):
            raise Refusal("NOT_ENOUGH", "分账金额大于剩余待分金额", status=403)
        split = _open(books, call, shares, unfreeze=call.flag("/unfreeze_unsplit"))
    return Answer(fields=_shown(books, split))


def unfreeze(books: Books, call: Call) -> Answer:
    """Give the merchant what is left of a payment: nothing more will be shared."""
    call.need("/description", longest=80)
    split = _known(books, call)
    if split is None:
        _payment(books, call)
        split = _open(books, call, [], unfreeze=True)
    return Answer(fields=_shown(books, split))


def query(books: Books, call: Call) -> Answer:
    """How a sharing order stands, receiver by receiver."""
    split = books.splits.get(call.path["out_order_no"])
    if split is None or split.transaction_id != call.query.get("transaction_id"):
        raise Refusal("RESOURCE_NOT_EXISTS", "分账单不存在", status=404)
    return Answer(fields=_shown(books, split))


def give_back(books: Books, call: Call) -> Answer:
    """A receiver gives back what it got; settled at once, unless told to be slow."""
    number = call.number("/out_return_no", _LONG)
    known = books.share_returns.get(number)
    if known is not None and known.content != call.content:
        raise Refusal("INVALID_REQUEST", "回退单号已存在,且与之前的参数不一致")
    if known is None:
        known = _give_back(books, call, number)
    return Answer(fields=_return_shown(known))


def query_return(books: Books, call: Call) -> Answer:
    """How a return stands."""
    known = books.share_returns.get(call.path["out_return_no"])
    if known is None or known.out_order_no != call.query.get("out_order_no"):
        raise Refusal("RESOURCE_NOT_EXISTS", "回退单不存在", status=404)
    return Answer(fields=_return_shown(known))


def amounts(books: Books, call: Call) -> Answer:
    """What of a payment is still to be shared."""
    row = books.orders.get(books.transactions.get(call.path["transaction_id"], ""))
    if row is None or not row.splittable:
        raise Refusal("RESOURCE_NOT_EXISTS", "订单不存在", status=404)
    return Answer(fields={"transaction_id": row.transaction_id, "unsplit_amount": _free(books, row)})


def add_receiver(books: Books, call: Call) -> Answer:
    """Allow somebody to receive. As often as one likes."""
    kind, account = _receiver(call)
    relation, name = call.need("/relation_type", longest=32), call.sensitive("/name")
    books.receivers[kind, account] = call.body
    fields: dict[str, object] = {**_whose(books), "type": kind, "account": account, "relation_type": relation}
    # what goes back is encrypted for the merchant
    return Answer(fields=fields if name is None else {**fields, "name": pair("merchant").encrypt(name)})


def delete_receiver(books: Books, call: Call) -> Answer:
    """Allow it no longer."""
    kind, account = _receiver(call)
    books.receivers.pop((kind, account), None)
    return Answer(fields={**_whose(books), "type": kind, "account": account})


def config(books: Books, call: Call) -> Answer:
    """How much of a payment a service provider may share for its sub-merchant, in ten-thousandths."""
    if call.path["sub_mchid"] != books.parties.sub_mchid:
        raise Refusal("RESOURCE_NOT_EXISTS", "子商户不存在", status=404)
    return Answer(fields={"sub_mchid": books.parties.sub_mchid, "max_ratio": MOST_SHARED})


def finish_return(books: Books, row: ShareReturnRow, *, succeed: bool) -> None:
    """A return that was accepted comes to its end."""
    row.result = "SUCCESS" if succeed else "FAILED"
    if succeed:
        out_no, partner_no = row.out_order_no, row.return_id
        books.enter(
            EntryKind.SPLIT_RETURNED, row.amount_minor, out_no, partner_no, row.at, request_no=row.out_return_no
        )


def _known(books: Books, call: Call) -> SplitRow | None:
    _check_sub_merchant(books, call)
    split = books.splits.get(call.number("/out_order_no", _LONG))
    if split is not None and split.content != _identity(call):
        raise Refusal("INVALID_REQUEST", "分账单号已存在,且与之前的参数不一致")
    return split


def _identity(call: Call) -> str:
    # encrypted names look different every time
    receivers = [{k: v for k, v in item.items() if k != "name"} for item in call.records("/receivers")]
    return canonical({**call.body, "receivers": receivers})


def _payment(books: Books, call: Call) -> OrderRow:
    row = books.orders.get(books.transactions.get(call.need("/transaction_id", longest=32), ""))
    if row is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "订单不存在", status=404)
    if not row.splittable or row.state not in PAID_STATES:
        raise Refusal("INVALID_REQUEST", "非分账订单不支持分账")
    mine = [split for split in books.splits.values() if split.transaction_id == row.transaction_id]
    if any(split.unfreeze for split in mine):
        raise Refusal("INVALID_REQUEST", "订单已解冻,不能再分账")
    if len(mine) >= MOST_REQUESTS:
        raise Refusal("RULE_LIMIT", "分账次数超过限制", status=403)
    return row


def _free(books: Books, row: OrderRow) -> int:
    mine = [split for split in books.splits.values() if split.transaction_id == row.transaction_id]
    if any(split.unfreeze for split in mine):
        return 0
    return row.amount_minor - row.returned_minor(promised=True) - books.shared_minor(row)


def _share(books: Books, part: Call, index: int) -> ShareRow:
    kind, account = _receiver(part)
    part.sensitive("/name")
    if (kind, account) not in books.receivers:
        raise Refusal("INVALID_REQUEST", "分账接收方未添加")
    return ShareRow(
        kind=kind,
        account=account,
        amount_minor=part.fen("/amount"),
        description=part.need("/description", longest=80),
        detail_id=books.number(part.now, f"36{index:08d}"),
    )


def _open(books: Books, call: Call, shares: list[ShareRow], *, unfreeze: bool) -> SplitRow:
    split = SplitRow(
        out_order_no=call.need("/out_order_no"),
        order_id=books.number(call.now, "3008450740"),
        transaction_id=call.need("/transaction_id"),
        content=_identity(call),
        unfreeze=unfreeze,
        created_at=call.now,
        due_at=call.now + SPLIT_TAKES,
        shares=tuple(shares),
        slow=call.slow,
    )
    books.splits[split.out_order_no] = split
    return split


def _give_back(books: Books, call: Call, number: str) -> ShareReturnRow:
    _check_sub_merchant(books, call)
    order_no, order_id = call.text("/out_order_no"), call.text("/order_id")
    split = next((s for s in books.splits.values() if order_no == s.out_order_no or order_id == s.order_id), None)
    if split is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "分账单不存在", status=404)
    account, amount_minor = call.need("/return_mchid", longest=32), call.fen("/amount")
    share = next((s for s in split.shares if s.account == account and s.result == "SUCCESS"), None)
    if share is None or amount_minor > share.amount_minor - share.returned_minor:
        raise Refusal("INVALID_REQUEST", "回退金额超过可回退金额")
    share.returned_minor += amount_minor
    row = ShareReturnRow(
        out_return_no=number,
        return_id=books.number(call.now, "3008450741"),
        out_order_no=split.out_order_no,
        order_id=split.order_id,
        return_mchid=account,
        amount_minor=amount_minor,
        description=call.need("/description", longest=80),
        content=call.content,
        at=call.now,
        result="PROCESSING",
    )
    books.share_returns[number] = row
    if not call.slow:
        finish_return(books, row, succeed=True)
    return row


def _receiver(call: Call) -> tuple[str, str]:
    kind = call.need("/type")
    if kind not in _KINDS:
        raise wrong("/type", kind, " ".join(_KINDS))
    return kind, call.need("/account", longest=64)


def _shown(books: Books, split: SplitRow) -> dict[str, object]:
    receivers: list[Mapping[str, object]] = []
    for share in split.shares:
        line: dict[str, object] = {
            "type": share.kind,
            "account": share.account,
            "amount": share.amount_minor,
            "description": share.description,
            "result": share.result,
            "create_time": wire_time(split.created_at),
            "detail_id": share.detail_id,
        }
        if split.finished_at is not None:
            line["finish_time"] = wire_time(split.finished_at)
        receivers.append(line)
    return {
        **_whose(books),
        "transaction_id": split.transaction_id,
        "out_order_no": split.out_order_no,
        "order_id": split.order_id,
        "state": "PROCESSING" if split.finished_at is None else "FINISHED",
        "receivers": receivers,
    }


def _return_shown(row: ShareReturnRow) -> dict[str, object]:
    fields: dict[str, object] = {
        "order_id": row.order_id,
        "out_order_no": row.out_order_no,
        "out_return_no": row.out_return_no,
        "return_id": row.return_id,
        "return_mchid": row.return_mchid,
        "amount": row.amount_minor,
        "description": row.description,
        "result": row.result,
        "create_time": wire_time(row.at),
    }
    return fields if row.result == "PROCESSING" else {**fields, "finish_time": wire_time(row.at)}


def _whose(books: Books) -> dict[str, object]:
    return {} if books.parties.sub_mchid is None else {"sub_mchid": books.parties.sub_mchid}


def _check_sub_merchant(books: Books, call: Call) -> None:
    if call.text("/sub_mchid") != books.parties.sub_mchid:
        raise wrong("/sub_mchid", call.at("/sub_mchid"), "the sub-merchant, for service providers only")
