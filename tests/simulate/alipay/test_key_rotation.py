"""Certificate mode while Alipay renews its certificate: fetched once, trusted by its chain, old ones kept."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.certificates import cert_sn
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.schemas import ActionRequired, Money, Order, QrCode, QrShown, Rejected, RejectedKind, Unknown, UnknownKind
from payport.sdk import Gateway
from payport.sdk.keys import PrivateKey
from payport.sdk.message import WireReply, WireRequest

DOWNLOAD = "alipay.open.app.alipaycert.download"


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    with AlipaySimulator("certificate").serve() as simulator:
        yield simulator


@pytest.fixture
def gateway(partner: AlipaySimulator, tmp_path: Path) -> Iterator[Gateway[Alipay]]:
    with Gateway(Alipay(partner.account), journal=f"sqlite:///{tmp_path}/payments.db", sinks=()) as opened:
        yield opened


def order(number: int) -> Order:
    return Order(ref=f"ROTATE{number:06d}", amount=Money.of("1.00", "CNY"), subject="Tea")


def downloads(partner: AlipaySimulator) -> int:
    return sum(DOWNLOAD in request.query for request in partner.requests)


@pytest.mark.parametrize("new_key", [False, True])
def test_an_unknown_certificate_is_fetched_once_and_trusted_by_its_chain(
    gateway: Gateway[Alipay], partner: AlipaySimulator, new_key: bool
) -> None:
    """32 callers meet the new certificate at the same moment: one fetches it, all of them get their answer."""
    partner.rotate_certificate(new_key=new_key)
    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(lambda number: gateway.pay(order(number), QrShown()), range(32)))
    assert all(isinstance(outcome, ActionRequired) for outcome in outcomes)
    assert downloads(partner) == 1


def test_the_old_certificate_serves_beside_the_new_one(gateway: Gateway[Alipay], partner: AlipaySimulator) -> None:
    """What was signed before the change is still believed after it."""
    first = gateway.pay(order(1), QrShown())
    assert isinstance(first, ActionRequired)
    assert isinstance(first.action, QrCode)
    partner.payer.scan(first.action.text)
    before = partner.notices[-1]
    partner.rotate_certificate(new_key=True)
    gateway.pay(order(2), QrShown())
    assert not isinstance(gateway.receive(before), Rejected)


def test_a_certificate_that_cannot_be_fetched_leaves_the_answer_in_doubt(
    gateway: Gateway[Alipay], partner: AlipaySimulator
) -> None:
    """Not failed, not believed: unverified, and settled once the certificate can be had."""
    partner.rotate_certificate(new_key=True)
    partner.faults.next(Fault.BAD_GATEWAY, DOWNLOAD)
    outcome = gateway.pay(order(3), QrShown())
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNVERIFIED


def test_a_merchants_certificate_is_never_taken_for_alipays(
    gateway: Gateway[Alipay], partner: AlipaySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their certificates come from the same authority: a reply signed by one is refused, though its chain is right."""
    certificates = partner.account.certificates
    assert certificates is not None
    own_sn = cert_sn(certificates.application)
    own_key = PrivateKey.load(partner.account.private_key.reveal())

    def forged(request: WireRequest) -> WireReply:
        method = request.endpoint
        content = base64.b64encode(certificates.application.encode()).decode()
        download = f'{{"code":"10000","msg":"Success","alipay_cert_content":"{content}"}}'
        refund = '{"code":"10000","out_trade_no":"ROTATE000006T001","qr_code":"https://qr.example/forged"}'
        node = download if method == DOWNLOAD else refund
        sign = base64.b64encode(own_key.sign(node.encode())).decode()
        name = method.replace(".", "_") + "_response"
        body = f'{{"{name}":{node},"alipay_cert_sn":"{own_sn}","sign":"{sign}"}}'
        return WireReply(200, (), body.encode())

    class Forger:
        def send(self, request: WireRequest, timeout_s: float) -> WireReply:
            return forged(request)

        def close(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr(gateway, "_transport", Forger())
    outcome = gateway.pay(order(6), QrShown())
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNVERIFIED


def test_pinned_mode_fetches_nothing(tmp_path: Path) -> None:
    """The sandbox cannot be chained: there exactly the configured certificate is trusted, whatever a reply names."""
    with (
        AlipaySimulator("pinned").serve() as partner,
        Gateway(Alipay(partner.account), journal=f"sqlite:///{tmp_path}/p.db", sinks=()) as gateway,
    ):
        partner.rotate_certificate(new_key=True)
        outcome = gateway.pay(order(4), QrShown())
        assert isinstance(outcome, Unknown)
        assert outcome.cause.kind is UnknownKind.UNVERIFIED
        assert downloads(partner) == 0


def test_a_notice_signed_with_a_key_not_known_yet_is_refused(
    gateway: Gateway[Alipay], partner: AlipaySimulator
) -> None:
    """A notice names no certificate, so an unknown key cannot be fetched for it; Alipay sends it again later."""
    first = gateway.pay(order(5), QrShown())
    assert isinstance(first, ActionRequired)
    assert isinstance(first.action, QrCode)
    partner.rotate_certificate(new_key=True)
    partner.payer.scan(first.action.text)
    refused = gateway.receive(partner.notices[-1])
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectedKind.BAD_SIGNATURE
    gateway.query(order(5).ref)  # the reply names the new certificate, and its key is learnt
    assert not isinstance(gateway.receive(partner.notices[-1]), Rejected)
