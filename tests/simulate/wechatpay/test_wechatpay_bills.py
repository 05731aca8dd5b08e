"""Bills of WeChat Pay: every payment, refund and movement of a day, in the form of the published sample."""

from __future__ import annotations

import gzip
from datetime import timedelta
from hashlib import sha1
from urllib.parse import urlsplit

import pytest
from tests.simulate.wechatpay.merchant import BILLS, Clock, Merchant
from tests.support.vectors import vectors

from payport.sdk.message import WireReply

DAY = "2026-11-23"


@pytest.fixture
def business(merchant: Merchant, clock: Clock) -> Merchant:
    """A day of two payments, one reversed, a refund and a transfer; then ten o'clock of the next."""
    merchant.paid("SHOP01", attach="a,b")
    merchant.codepay("SHOP02")
    merchant.reverse("SHOP02")
    merchant.refund("SHOP01", 100)
    merchant.partner.process()
    merchant.call("POST", BILLS, merchant.transfer())
    clock.now += timedelta(days=1)
    return merchant


def fetch(merchant: Merchant, target: str) -> tuple[str, dict[str, str]]:
    """The text of a bill, checked against its hash, and the answer that told where it is."""
    said = merchant.call("GET", target)
    assert said.status == 200, said.fields
    url = urlsplit(said.fields["download_url"])
    answer = merchant.send("GET", f"{url.path}?{url.query}")
    assert isinstance(answer, WireReply)
    assert answer.status == 200
    assert "wechatpay-signature" not in dict(answer.headers), "nobody signs a file"
    content = gzip.decompress(answer.content) if "GZIP" in target else answer.content
    assert sha1(content, usedforsecurity=False).hexdigest() == said.fields["hash_value"]
    return content.decode("utf-8-sig"), said.fields


def table(text: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The lines by column, and the sums by name."""
    columns, *lines, names, sums = text.removesuffix("\r\n").split("\r\n")
    rows = [dict(zip(columns.split(","), line.removeprefix("`").split(",`"), strict=True)) for line in lines]
    return rows, dict(zip(names.split(","), sums.removeprefix("`").split(",`"), strict=True))


@pytest.mark.parametrize("packed", ["", "&tar_type=GZIP"])
def test_all_payments_and_refunds_of_a_day(business: Merchant, packed: str) -> None:
    """Sums at the end agree with the lines."""
    rows, sums = table(fetch(business, f"/v3/bill/tradebill?bill_date={DAY}{packed}")[0])
    assert [
        (row["商户订单号"], row["交易状态"], row["订单金额"], row["申请退款金额"], row["商户数据包"]) for row in rows
    ] == [
        ("SHOP01", "SUCCESS", "12.34", "0.00", "a,b"),
        ("SHOP02", "SUCCESS", "12.34", "0.00", ""),
        ("SHOP01", "REFUND", "0.00", "1.00", "a,b"),
        ("SHOP02", "REVOKED", "0.00", "12.34", ""),
    ]
    assert (sums["总交易单数"], sums["订单总金额"], sums["退款总金额"]) == ("4.0", "24.68", "13.34")


@pytest.mark.parametrize(("kind", "columns", "lines"), [("ALL", 27, 4), ("SUCCESS", 20, 2), ("REFUND", 29, 2)])
def test_each_kind_of_bill_has_its_columns(business: Merchant, kind: str, columns: int, lines: int) -> None:
    """As many as the documents say."""
    rows, sums = table(fetch(business, f"/v3/bill/tradebill?bill_date={DAY}&bill_type={kind}")[0])
    assert (columns, lines, f"{lines}.0") == (len(rows[0]), len(rows), sums["总交易单数"])


def test_the_columns_are_those_of_the_published_sample(business: Merchant) -> None:
    """In their order, with the same marks."""
    sample = (vectors("wechatpay") / "bill.ALL.csv").read_bytes()
    text, _ = fetch(business, f"/v3/bill/tradebill?bill_date={DAY}&bill_type=ALL")
    lines = sample.decode("utf-8-sig").split("\r\n")
    assert text.split("\r\n")[0] == lines[0]
    assert text.split("\r\n")[-3] == lines[-2 if lines[-1] else -3]


def test_every_movement_of_the_balance_stands_in_the_fund_flow(business: Merchant) -> None:
    """Transfers too, which the other bill does not know."""
    rows, sums = table(fetch(business, f"/v3/bill/fundflowbill?bill_date={DAY}&account_type=BASIC")[0])
    assert [row["收支金额(元)"] for row in rows] == ["12.34", "12.34", "12.34", "1.00", "5.00"]
    assert [row["收支类型"] for row in rows] == ["收入", "收入", "支出", "支出", "支出"]
    assert (sums["资金流水总笔数"], sums["收入金额"], sums["支出金额"]) == ("5.0", "24.68", "18.34")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/v3/bill/tradebill?bill_date=2026-11-22", "NO_STATEMENT_EXIST"),
        ("/v3/bill/tradebill?bill_date=2026-11-24", "STATEMENT_CREATING"),
        ("/v3/bill/tradebill?bill_date=2026-11-25", "PARAM_ERROR"),
        ("/v3/bill/tradebill?bill_date=2026-01-01", "PARAM_ERROR"),
        ("/v3/bill/tradebill?bill_date=today", "PARAM_ERROR"),
        ("/v3/bill/tradebill", "PARAM_ERROR"),
        (f"/v3/bill/tradebill?bill_date={DAY}&bill_type=ODD", "PARAM_ERROR"),
        (f"/v3/bill/tradebill?bill_date={DAY}&tar_type=ZIP", "PARAM_ERROR"),
        (f"/v3/bill/fundflowbill?bill_date={DAY}&account_type=FEES", "NO_STATEMENT_EXIST"),
        (f"/v3/bill/fundflowbill?bill_date={DAY}&account_type=ODD", "PARAM_ERROR"),
    ],
)
def test_a_bill_that_is_not_there(business: Merchant, target: str, code: str) -> None:
    """No line that day: final. Not made yet: later. All of them 400."""
    said = business.call("GET", target)
    assert (400, code) == (said.status, said.code)


def test_where_to_fetch_is_known_for_five_minutes(business: Merchant) -> None:
    """Then it is asked for again."""
    url = urlsplit(business.call("GET", f"/v3/bill/tradebill?bill_date={DAY}").fields["download_url"])
    business.partner.advance(300)
    said = business.call("GET", f"{url.path}?{url.query}")
    assert (said.status, said.code) == (404, "RESOURCE_NOT_EXISTS")


def test_the_old_transfers_are_not_open_to_a_new_merchant(merchant: Merchant) -> None:
    """Batches are for merchants from before 2025."""
    said = merchant.call("GET", "/v3/transfer/batches/out-batch-no/A1?need_query_detail=true")
    assert (said.status, said.code) == (403, "NO_AUTH")
