"""Notices, signatures and keys: what the library adds to the RSA operation that nobody can avoid.

``python -m benchmarks.notices``. Ratios of CPU time, rounds interleaved, the best round counts; absolute times mean
nothing on a shared machine. Everything is made here: no network, no files.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from payport.adapters.alipay.forms import encode_form, notice_is_authentic, parse_form
from payport.adapters.alipay.signing import canonical, reply_is_authentic, split_reply, strict_json
from payport.sdk.keys import PrivateKey

NEITHER = frozenset({"sign", "sign_type"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``goal`` is the budget that ``ratio`` is held against."""

    name: str
    ratio: float
    goal: str
    met: bool


def cpu_us(work: Mapping[str, Callable[[], object]], *, repeat: int, rounds: int = 7) -> dict[str, float]:
    """Microseconds of CPU of each work, the best of interleaved rounds."""
    best = dict.fromkeys(work, float("inf"))
    for _ in range(rounds):
        for name, do in work.items():
            started_s = time.process_time()
            for _ in range(repeat):
                do()
            best[name] = min(best[name], (time.process_time() - started_s) / repeat * 1e6)
    return best


def notice(key: PrivateKey) -> bytes:
    """A trade notice of 26 fields, as the partner posts it."""
    fields = {
        "app_id": "2021000000000001",
        "auth_app_id": "2021000000000001",
        "buyer_id": "2088000000000002",
        "buyer_logon_id": "138****1234",
        "buyer_pay_amount": "12.34",
        "charset": "utf-8",
        "fund_bill_list": '[{"amount":"12.34","fundChannel":"ALIPAYACCOUNT"}]',
        "gmt_create": "2026-07-01 11:59:50",
        "gmt_payment": "2026-07-01 12:00:00",
        "invoice_amount": "12.34",
        "notify_id": "2026070100222120000041395012345678",
        "notify_time": "2026-07-01 12:00:01",
        "notify_type": "trade_status_sync",
        "out_trade_no": "SHOP1001000100000001",
        "passback_params": "order%3D1%26shop%3D2",
        "point_amount": "0.00",
        "receipt_amount": "12.34",
        "seller_email": "shop@example.com",
        "seller_id": "2088000000000001",
        "sign_type": "RSA2",
        "subject": "Green tea, 茶叶一盒",
        "total_amount": "12.34",
        "trade_no": "2026070122001446881000041395",
        "trade_status": "TRADE_SUCCESS",
        "version": "1.0",
    }
    sign = base64.b64encode(key.sign(canonical(fields, without=NEITHER))).decode()
    return encode_form({**fields, "sign": sign})


def request(key: PrivateKey) -> bytes:
    """Build and sign one request."""
    content = {"out_trade_no": "SHOP1001000100000001", "total_amount": "12.34", "subject": "Green tea, 茶叶一盒"}
    params = {
        "app_id": "2021000000000001",
        "method": "alipay.trade.precreate",
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-07-01 12:00:00",
        "version": "1.0",
        "notify_url": "https://shop.example/notify",
        "biz_content": json.dumps(content, ensure_ascii=False),
    }
    sign = base64.b64encode(key.sign(canonical(params))).decode()
    return encode_form({**params, "sign": sign})


def verification(repeat: int) -> Row:
    """A whole notice beside the bare verification of the same bytes."""
    raw = rsa.generate_private_key(65537, 2048)
    key = PrivateKey(raw)
    body, public, bare = notice(key), (key.public,), raw.public_key()
    fields = parse_form(body).fields
    message, sign = canonical(fields, without=NEITHER), base64.b64decode(fields["sign"])
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    spent = cpu_us(
        {
            "bare": lambda: bare.verify(sign, message, scheme, digest),
            "ours": lambda: notice_is_authentic(parse_form(body), public),
        },
        repeat=repeat,
    )
    ratio = spent["bare"] / spent["ours"]
    return Row(f"notices a second / bare verifications ({len(body)} bytes)", ratio, ">= 0.35", ratio >= 0.35)


def round_trip(repeat: int) -> Row:
    """Build, sign, split, verify and decode beside the bare signature and verification."""
    raw = rsa.generate_private_key(65537, 2048)
    key = PrivateKey(raw)
    node = '{"code":"10000","msg":"Success","out_trade_no":"SHOP1001000100000001","qr_code":"https://qr.example/1"}'
    sign = base64.b64encode(key.sign(node.encode())).decode()
    body = f'{{"alipay_trade_precreate_response":{node},"sign":"{sign}"}}'.encode()
    public, bare, raw_sign = (key.public,), raw.public_key(), base64.b64decode(sign)
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()

    def ours() -> dict[str, object]:
        request(key)
        reply = split_reply(body, "alipay.trade.precreate")
        if not reply_is_authentic(reply, public):
            raise AssertionError("the benchmark's own reply must verify")
        return strict_json(reply.node)

    def floor() -> None:
        raw.sign(node.encode(), scheme, digest)
        bare.verify(raw_sign, node.encode(), scheme, digest)

    spent = cpu_us({"floor": floor, "ours": ours}, repeat=repeat)
    ratio = spent["ours"] / spent["floor"]
    return Row("build + sign + verify + decode / bare sign + verify", ratio, "<= 1.12", ratio <= 1.12)


def thousand_keys(count: int) -> Row:
    """Loading the keys of many merchants, each checked when it was registered."""
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    few = [rsa.generate_private_key(65537, 2048) for _ in range(4)]
    texts = [key.private_bytes(serialization.Encoding.PEM, form, plain).decode() for key in few] * (count // 4)
    started_s = time.process_time()
    keys = [PrivateKey.load(text, trusted=True) for text in texts]
    spent_s = time.process_time() - started_s
    return Row(f"seconds to load {len(keys)} registered keys", spent_s, "<= 0.1", spent_s <= 0.1)


def rows() -> list[Row]:
    """The table."""
    return [verification(2000), round_trip(100), thousand_keys(1000)]


def main() -> None:
    """Print the table."""
    for row in rows():
        print(f"{row.name:60} {row.ratio:8.3f}   goal {row.goal:8} {'met' if row.met else 'MISSED'}")


if __name__ == "__main__":
    main()
