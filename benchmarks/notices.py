"""Notices and replies: what the library adds to the RSA operations that nobody can avoid. No network.

``python -m benchmarks.notices``.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from benchmarks.figures import Measure, Row, cpu_us, interleaved, ratio, report, us
from benchmarks.partner import NEITHER, keys, notice, shown
from payport.adapters.alipay import Alipay
from payport.adapters.alipay.calls import base64_text, to_text
from payport.adapters.alipay.forms import encode_form, notice_is_authentic, parse_form
from payport.adapters.alipay.notices import open_notice
from payport.adapters.alipay.signing import canonical, reply_is_authentic, split_reply, strict_json
from payport.schemas.events import RawNotification, Verified
from payport.sdk import Gateway, Journal
from payport.sdk.adapter import Opened
from payport.sdk.exchange import Effect, Now, drive
from payport.sdk.host_clock import SystemClock
from payport.sdk.keys import PrivateKey

URL = "https://openapi.example/gateway.do"
ROUNDS = 7
COUNT = 400


class _Clock:
    """Performs the one effect that opening a notice asks for."""

    def __init__(self) -> None:
        self._clock = SystemClock()

    def perform(self, effect: Effect) -> object:
        """The time."""
        if not isinstance(effect, Now):
            raise TypeError(f"opening a notice asked for {effect}")
        return self._clock.moment()


def _raw(body: bytes) -> RawNotification:
    return RawNotification(body=body, headers={})


def _bare() -> Callable[[], object]:
    """The bare verification of a notice's signature."""
    fields = parse_form(notice()).fields
    message, sign = canonical(fields, without=NEITHER), base64.b64decode(fields["sign"])
    key, scheme, digest = keys().partner.public_raw, padding.PKCS1v15(), hashes.SHA256()
    return lambda: key.verify(sign, message, scheme, digest)


def _verified() -> Callable[[], object]:
    """Parsed and verified."""
    body, public = notice(), (keys().partner.key.public,)

    def work() -> None:
        if not notice_is_authentic(parse_form(body), public):
            raise AssertionError("the benchmark's own notice must verify")

    return work


def _opened() -> Callable[[], object]:
    """Verified, addressed to us, and read, by the adapter."""
    alipay, raw, clock = Alipay(keys().account(URL)), _raw(notice()), _Clock()

    def work() -> None:
        if not isinstance(drive(open_notice(alipay, raw), clock), Opened):
            raise TypeError("the benchmark's own notice must open")

    return work


def _received(journal: Journal, count: int) -> Callable[[], object]:
    """Opened, kept and acknowledged by the gateway: each is a new one, durable before it is acknowledged."""
    gateway = Gateway(Alipay(keys().account(URL)), journal=journal)
    bodies = iter([notice(number) for number in range(count)])

    def work() -> None:
        found = gateway.receive(_raw(next(bodies)))
        if not (isinstance(found, Verified) and found.first_seen):
            raise TypeError(f"the benchmark's own notice must be kept: {found}")

    return work


def _round_trip() -> tuple[Callable[[], object], Callable[[], object]]:
    """Build, sign, split, verify and decode one call; and the bare signature with the bare verification."""
    partner, body = keys().partner, shown("SHOP1001000100000001")
    merchant, public = PrivateKey(keys().merchant), (partner.key.public,)
    node = split_reply(body, "alipay.trade.precreate")
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    raw_sign, raw_public, raw_key = base64.b64decode(node.sign or ""), partner.public_raw, keys().merchant

    def ours() -> None:
        _request(merchant)
        reply = split_reply(body, "alipay.trade.precreate")
        if not reply_is_authentic(reply, public):
            raise AssertionError("the benchmark's own reply must verify")
        strict_json(reply.node)

    def floor() -> None:
        raw_key.sign(node.node, scheme, digest)
        raw_public.verify(raw_sign, node.node, scheme, digest)

    return ours, floor


def _request(key: PrivateKey) -> bytes:
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
        "biz_content": to_text(content),
    }
    return encode_form({**params, "sign": base64_text(key.sign(canonical(params)))})


def rows(rounds: int = ROUNDS, count: int = COUNT) -> list[Row]:
    """Measure."""
    trip, floor = _round_trip()
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.open(f"sqlite:///{folder}/notices.db", durability="normal") as journal,
    ):
        work = {
            "bare": _bare(), "verified": _verified(), "opened": _opened(),
            "received": _received(journal, count * (rounds + 1)), "trip": trip, "floor": floor,
        }  # fmt: skip

        def measure(name: str) -> Measure:
            return lambda: cpu_us(work[name], count)

        found = interleaved({name: measure(name) for name in work}, rounds)
    bare, sides = found["bare"], {name: us(figures) for name, figures in found.items()}

    def row(name: str, which: str, must: float | None = None, ambitious: float | None = None) -> Row:
        figure = ratio(bare, found[which])
        return Row(
            name=name, figure=figure, must=must, ambitious=ambitious, higher=True, ours=sides[which],
            beside=sides["bare"],
        )  # fmt: skip

    return [
        row("notices/s verified / bare verifications/s", "verified", 0.25, 0.35),
        row("notices/s verified, addressed, read / bare", "opened"),
        row("notices/s received, kept in the journal / bare", "received"),
        Row(
            name="build + sign + verify + decode / bare sign + verify", figure=ratio(found["trip"], found["floor"]),
            must=1.12, ambitious=1.05, ours=sides["trip"], beside=sides["floor"],
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    report(rows())
