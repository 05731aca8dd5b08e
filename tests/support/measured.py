"""A month of calls to three partners, as scorecards count it: one that is well, one that had an outage, a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from payport.sdk.scorecards import MeasureRow
from payport.sdk.scorecards.histogram import bin_of

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
OUTAGE = date(2026, 11, 17)

ENDPOINTS = {
    ("alipay", "alipay:2021000000000001"): {
        "alipay.trade.pay": (400, 0.32), "alipay.trade.query": (900, 0.14), "alipay.trade.refund": (40, 0.41),
    },
    ("alipay", "alipay:2021000000000002"): {"alipay.trade.precreate": (250, 0.21), "alipay.trade.query": (300, 0.15)},
    ("wechatpay", "wechatpay:1900000001"): {
        "POST /v3/pay/transactions/native": (500, 0.18), "GET /v3/pay/transactions/out-trade-no": (1500, 0.09),
        "POST /v3/refund/domestic/refunds": (60, 0.35), "GET /v3/certificates": (2, 0.2),
    },
    ("paypal", "paypal:sandbox"): {"orders.create": (9, 0.62), "orders.capture": (7, 1.1), "oauth2.token": (2, 0.3)},
}  # fmt: skip
"""Calls a day, and the middle of their times in seconds."""


def month(seed: int = 7) -> list[MeasureRow]:
    """Every count of it; the same for the same seed."""
    random = Random(seed)
    rows: list[MeasureRow] = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        for (partner, account), endpoints in ENDPOINTS.items():
            for endpoint, (calls, middle_s) in endpoints.items():
                wrong = 0.05 if (partner, day) == ("wechatpay", OUTAGE) else 0.00004 if partner == "alipay" else 0.0004
                found: Counter[str] = Counter()
                for _ in range(round(calls * random.uniform(0.8, 1.2))):
                    found.update(_one_call(random, middle_s, wrong, token="token" in endpoint or "cert" in endpoint))
                rows += [MeasureRow(day, partner, account, endpoint, name, count) for name, count in found.items()]
    return sorted(rows)


def _one_call(random: Random, middle_s: float, wrong: float, *, token: bool) -> Iterator[str]:
    elapsed_s = middle_s * random.lognormvariate(0.0, 0.45)
    if random.random() < wrong:
        kind = random.choice(["timed_out", "http_5xx", "partner_fault", "connection_lost", "unverified"])
        match kind:
            case "timed_out":
                yield from ("failed.timed_out", f"late.{bin_of(10.0)}")
            case "connection_lost":
                yield "failed.connection_lost"
            case "http_5xx":
                yield from (f"time.{bin_of(elapsed_s)}", "status.5xx", "doubt_5xx.partner_fault")
            case _:
                yield from (f"time.{bin_of(elapsed_s)}", f"doubt.{kind}")
        return
    yield f"time.{bin_of(elapsed_s)}"
    if not token:
        yield "judged"
        if random.random() < 0.02:
            yield "refusal.insufficient_funds"
