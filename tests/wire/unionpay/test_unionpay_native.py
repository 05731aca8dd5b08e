"""Native access: every transaction of UnionPay, typed, signed and checked like the uniform verbs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, assert_type
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError
from tests.contract.checker import Wiretap

from payport.adapters.unionpay import UnionPay, endpoints
from payport.adapters.unionpay.calls import FRONT
from payport.adapters.unionpay.endpoints import UnionPayEndpoint, UnionPayPage, UnionPayTransaction
from payport.adapters.unionpay.endpoints.fields import Part
from payport.adapters.unionpay.sensitive import decrypt, pack_file, read_customer_info, unpack_file
from payport.adapters.unionpay.simulator import Fault, UnionPaySimulator, Wallet
from payport.adapters.unionpay.simulator.keys import encryption_leaf
from payport.adapters.unionpay.simulator.service import HANDLERS, PAGES
from payport.schemas import Declined, NotSent, NotSentKind, Reason, Succeeded, Unknown, UnknownKind
from payport.schemas.actions import PostForm, QrCode
from payport.sdk import ConfigurationError, Gateway
from payport.sdk.operations.native import NativeOutcome
from payport.sdk.secrets import Secret
from payport.sdk.testing.stepping import Time, WorkerClock

JOURNAL = "sqlite:///:memory:?durable=no"
CODE = Wallet.PAYS.code(7)
TIME = Time()


@pytest.fixture(name="partner")
def simulated() -> UnionPaySimulator:
    """UnionPay, at nine in the morning: no clearing day ends in between."""
    return UnionPaySimulator(clock=TIME)


@pytest.fixture(name="tap")
def tapped(partner: UnionPaySimulator) -> Wiretap:
    """What crosses the wire."""
    return Wiretap(partner.transport())


@pytest.fixture(name="gateway")
def gateway_to(partner: UnionPaySimulator, tap: Wiretap) -> Iterator[Gateway[UnionPay]]:
    """A merchant's gateway to it."""
    with Gateway(UnionPay(partner.account), journal=JOURNAL, transport=tap, clock=WorkerClock(TIME, "shop")) as gateway:
        yield gateway


class Asking:
    """Calls that succeed, and the numbers that UnionPay gave."""

    def __init__(self, gateway: Gateway[UnionPay]) -> None:
        self.gateway = gateway
        self.called: set[str] = set()

    def __call__(self, endpoint: Any, request: Any) -> Any:
        """The reply."""
        self.called.add(endpoint.name)
        return self.gateway.native(endpoint, request).unwrap()


def scan(number: str, *, amount: str = "1234", code: str = CODE) -> endpoints.ScannedCode:
    """A scanned code."""
    return endpoints.ScannedCode(order_id=number, txn_amt=amount, qr_no=code)


def every_endpoint() -> dict[str, Any]:
    """The endpoints that the package names."""
    found = [getattr(endpoints, name) for name in endpoints.__all__]
    return {one.name: one for one in found if isinstance(one, UnionPayEndpoint | UnionPayPage)}


def test_every_transaction_is_called_and_answered(partner: UnionPaySimulator, gateway: Gateway[UnionPay]) -> None:
    """Everything in the map of section 6 that is public: server calls against the simulator, pages in a browser."""
    ask = Asking(gateway)
    paid = ask(endpoints.QR_SCANNED, scan("NATIVE0001"))
    asked = ask(endpoints.TRANSACTION_QUERY, endpoints.Query(order_id="NATIVE0001", txn_time=paid.txn_time))
    assert (asked.orig_resp_code, asked.txn_amt, asked.query_id) == ("00", "1234", paid.query_id)
    also = ask(endpoints.QR_QUERY, endpoints.Query(order_id="NATIVE0001", txn_time=paid.txn_time))
    assert also.orig_resp_code == "00"
    back = endpoints.Refund(order_id="NATIVE0002", txn_amt="34", orig_qry_id=paid.query_id)
    assert ask(endpoints.REFUND, back).orig_qry_id == paid.query_id
    second = ask(endpoints.QR_SCANNED, scan("NATIVE0003", code=Wallet.PAYS.code(8)))
    ask(endpoints.CONSUME_UNDO, endpoints.Undo(order_id="NATIVE0004", txn_amt="1234", orig_qry_id=second.query_id))
    third = ask(endpoints.QR_SCANNED, scan("NATIVE0005", code=Wallet.PAYS.code(9)))
    reversal = endpoints.Reversal(order_id="NATIVE0005", txn_time=third.txn_time, txn_amt="1234")
    ask(endpoints.REVERSAL, reversal)
    for number, endpoint in (("NATIVE0006", endpoints.QR_SHOWN), ("NATIVE0007", endpoints.QR_ORDER)):
        shown = ask(endpoint, endpoints.ShownCode(order_id=number, txn_amt="100"))
        partner.payer.scan(shown.qr_code)
    assert ask(endpoints.APP_CONSUME, endpoints.AppConsume(order_id="NATIVE0008", txn_amt="100")).tn
    hold = ask(endpoints.QR_PRE_AUTH_SCANNED, scan("NATIVE0009", code=Wallet.PAYS.code(10)))
    finish = endpoints.PreAuthFinish(order_id="NATIVE0010", txn_amt="1419", orig_qry_id=hold.query_id)
    finished = ask(endpoints.PRE_AUTH_FINISH, finish)  # 115 % of 12.34
    undo = endpoints.Undo(order_id="NATIVE0011", txn_amt="1419", orig_qry_id=finished.query_id)
    ask(endpoints.PRE_AUTH_FINISH_UNDO, undo)
    shown = ask(endpoints.QR_PRE_AUTH_SHOWN, endpoints.ShownCode(order_id="NATIVE0012", txn_amt="100"))
    partner.payer.open(QrCode(text=shown.qr_code))
    (held,) = partner.ledger.holds("NATIVE0012")
    ask(
        endpoints.PRE_AUTH_UNDO,
        endpoints.Undo(order_id="NATIVE0013", txn_amt="100", orig_qry_id=held.query_id),
    )
    without_pages(ask, partner)
    assert ask.called == set(HANDLERS)
    assert {one.kind.txn_type + "/" + one.kind.txn_sub_type for one in pages()} == PAGES


def without_pages(ask: Asking, partner: UnionPaySimulator) -> None:
    """Cards, files, keys and batches."""
    form = ask(endpoints.OPEN_CARD, endpoints.OpenCard(order_id="NATIVE0020", back_url="https://shop.example/n"))
    assert isinstance(form, PostForm)
    ask.called.discard(endpoints.OPEN_CARD.name)
    partner._cashier.open_page(form.fields)  # the payer opens the card
    ask(endpoints.OPEN_QUERY, endpoints.CardQuery(order_id="NATIVE0020"))
    token = ask(endpoints.TOKEN_QUERY, endpoints.CardQuery(order_id="NATIVE0020")).token_pay_data
    ask(endpoints.SMS_CODE, endpoints.SmsCode(order_id="NATIVE0021", txn_amt="100", token_pay_data=token))
    pay = endpoints.CardConsume(
        order_id="NATIVE0021",
        txn_amt="100",
        biz_type="000902",
        token_pay_data=token,
        customer=endpoints.Customer(sms_code="111111"),
    )
    assert ask(endpoints.CARD_CONSUME, pay).query_id
    ask(endpoints.CLOSE_CARD, endpoints.CardClose(order_id="NATIVE0020"))
    assert ask(endpoints.OPEN_QUERY, endpoints.CardQuery(order_id="NATIVE0020")).activate_status == "0"
    found = ask(endpoints.ENCRYPTION_KEY, endpoints.EncryptionKey(order_id="NATIVE0022"))
    assert found.encrypt_pub_key_cert.startswith("-----BEGIN CERTIFICATE-----\r\n")
    partner.put_file("1123", b"a zip file")
    file = ask(endpoints.FILE_TRANSFER, endpoints.FileTransfer(settle_date="1123"))
    assert unpack_file(file.file_content) == b"a zip file"
    batch = endpoints.BatchFile(
        order_id="NATIVE0023", batch_no="0001", total_qty="1", total_amt="100", file_content=pack_file(b"rows")
    )
    ask(endpoints.BATCH_PAY, batch)
    assert ask(endpoints.BATCH_QUERY, endpoints.BatchQuery(order_id="NATIVE0024", batch_no="0001")).total_qty == "1"


def pages() -> list[UnionPayPage[Any]]:
    """The endpoints that a browser posts."""
    return [one for one in every_endpoint().values() if isinstance(one, UnionPayPage)]


def test_what_goes_to_a_browser_is_signed_and_goes_nowhere(gateway: Gateway[UnionPay], tap: Wiretap) -> None:
    """A page comes back as a form; the account's addresses stand in it."""
    for page in pages():
        assert page.kind.path == FRONT
        request = (
            endpoints.OpenCard(order_id="NATIVE0030")
            if page is endpoints.OPEN_CARD
            else endpoints.FrontConsume(order_id="NATIVE0030", txn_amt="100", front_url="https://shop.example/r")
        )
        form = gateway.native(page, request).unwrap()
        assert isinstance(form, PostForm)
        assert form.fields["backUrl"] == gateway._adapter.config.notify_url
        assert form.fields["signature"]
    assert tap.heard == []


def test_card_data_leaves_encrypted_only(gateway: Gateway[UnionPay], tap: Wiretap) -> None:
    """The card number, the phone and the PIN: for UnionPay's key, with that certificate's number."""
    customer = endpoints.Customer(
        certif_tp="01", certif_id="110105194912310021", customer_nm="张三", phone_no="18100000000", pin="123456"
    )
    request = endpoints.CardConsume(
        order_id="NATIVE0040", txn_amt="100", acc_no="6221558812340000", customer=customer, risk_rate_info="{a=b}"
    )
    for secret in ("6221558812340000", "18100000000", "张三", "123456"):
        assert secret not in repr(request)
    gateway.native(endpoints.CARD_CONSUME, request).unwrap()
    body = tap.heard[-1][0].content.decode()
    fields = dict(parse_qsl(body))
    assert "6221558812340000" not in body
    theirs = [encryption_leaf().key]
    assert fields["encryptCertId"] == encryption_leaf().cert_id
    assert decrypt(theirs, fields["accNo"]) == "6221558812340000"
    info = read_customer_info(theirs, fields["customerInfo"])
    assert (info["phoneNo"], info["customerNm"]) == ("18100000000", "张三")
    assert len(base64.b64decode(info["pin"])) == 256


def test_without_unionpays_key_no_card_leaves(partner: UnionPaySimulator) -> None:
    """Refused here, not sent in the clear; and a PIN needs its card."""
    from dataclasses import replace

    bare = replace(partner.account, encryption_certificate=None)
    card = endpoints.CardConsume(order_id="NATIVE0041", txn_amt="100", acc_no="6221558812340000")
    pin = endpoints.CardConsume(order_id="NATIVE0042", txn_amt="100", customer=endpoints.Customer(pin="1234"))
    for account, request, message in (
        (bare, card, "configure encryption_certificate"),
        (partner.account, pin, "give acc_no as well"),
    ):
        with Gateway(
            UnionPay(account), journal=JOURNAL, transport=partner.transport(), clock=WorkerClock(TIME, "shop")
        ) as gateway:
            told = gateway.native(endpoints.CARD_CONSUME, request)
        assert isinstance(told, NotSent)
        assert told.cause.kind is NotSentKind.INVALID
        assert message in told.cause.detail


FAULTS = {
    Fault.BAD_SIGNATURE: UnknownKind.UNVERIFIED,
    Fault.WRONG_AMOUNT: UnknownKind.MISMATCH,
    Fault.OTHER_ORDER: UnknownKind.MISMATCH,
    Fault.UNKNOWN_STATUS: UnknownKind.UNKNOWN_STATUS,
    Fault.SILENCE: UnknownKind.TIMED_OUT,
    Fault.BAD_GATEWAY: UnknownKind.PARTNER_FAULT,
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items(), ids=lambda item: getattr(item, "name", ""))
def test_what_goes_wrong_is_told(
    partner: UnionPaySimulator, gateway: Gateway[UnionPay], fault: Fault, kind: UnknownKind
) -> None:
    """As of any verb; a native call is sent once."""
    partner.faults.next(fault)
    told = gateway.native(endpoints.QR_SCANNED, scan("NATIVE0050"))
    assert isinstance(told, Unknown)
    assert told.cause.kind is kind


def test_refusals_and_what_is_not_final(gateway: Gateway[UnionPay]) -> None:
    """A refusal has its reason; 05 is an unknown end, to be queried."""
    poor = gateway.native(endpoints.QR_SCANNED, scan("NATIVE0060", code=Wallet.NO_MONEY.code(1)))
    assert isinstance(poor, Declined)
    assert poor.reason is Reason.INSUFFICIENT_FUNDS
    waits = gateway.native(endpoints.QR_SCANNED, scan("NATIVE0061", code=Wallet.CONFIRMS.code(1)))
    assert isinstance(waits, Unknown)
    assert "query it" in waits.cause.detail
    missing = gateway.native(endpoints.FILE_TRANSFER, endpoints.FileTransfer(settle_date="0119"))
    assert isinstance(missing, Declined)
    assert (missing.reason, missing.partner_code) == (Reason.NOT_FOUND, "98")


def test_a_reply_without_what_it_must_have_is_unreadable(gateway: Gateway[UnionPay]) -> None:
    """Checked like every reply."""
    from payport.adapters.unionpay.wire import Received

    class Demanding(Received):
        never_there: str

    endpoint: UnionPayEndpoint[endpoints.ScannedCode, Demanding] = UnionPayEndpoint(
        endpoints.QR_SCANNED.kind, Demanding
    )
    told = gateway.native(endpoint, scan("NATIVE0062"))
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.UNREADABLE


WRONG: dict[str, Any] = {
    "an orderId with an underscore": lambda: scan("NATIVE_001"),
    "an amount with a point": lambda: scan("NATIVE0001", amount="12.34"),
    "an amount of nothing": lambda: scan("NATIVE0001", amount="0"),
    "no such time": lambda: endpoints.Query(order_id="NATIVE0001", txn_time="20261323120000"),
    "a refund of nothing": lambda: endpoints.Refund(order_id="NATIVE0001", txn_amt="1"),
    "a refund of a number without its time": lambda: endpoints.Refund(
        order_id="NATIVE0001", txn_amt="1", orig_order_id="NATIVE0002"
    ),
    "a group that is none": lambda: endpoints.FrontConsume(order_id="NATIVE0001", txn_amt="1", risk_rate_info="a=b"),
    "reserved text with structure": lambda: endpoints.AppConsume(
        order_id="NATIVE0001", txn_amt="1", req_reserved="a&b"
    ),
    "a name nobody knows": lambda: endpoints.AppConsume.model_validate(
        {"order_id": "NATIVE0001", "txn_amt": "1", "colour": "red"}
    ),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_what_unionpay_must_refuse_is_refused_here(make: Any) -> None:
    """When the request is made; the message never quotes what was given."""
    with pytest.raises(ValidationError) as caught:
        make()
    assert "input_value" not in str(caught.value)


def test_a_refund_may_name_the_original_by_our_number() -> None:
    """With its time."""
    request = endpoints.Refund(
        order_id="NATIVE0001", txn_amt="1", orig_order_id="NATIVE0002", orig_txn_time="20261123120000"
    )
    assert request.content()["origTxnTime"] == "20261123120000"


def test_only_unionpays_adapter_speaks_them(gateway: Gateway[UnionPay]) -> None:
    """Another partner's endpoint is refused, and another adapter is."""
    from tests.wire.unionpay.stage import Host

    from payport.adapters.alipay import endpoints as alipay
    from payport.sdk.exchange import drive

    with pytest.raises(ConfigurationError, match="endpoint of alipay"):
        gateway.native(alipay.TRADE_QUERY, alipay.TradeQuery(out_trade_no="SHOP10010001"))
    with pytest.raises(ConfigurationError, match="through the UnionPay adapter"):
        drive(endpoints.QR_SCANNED.call(object(), scan("NATIVE0001"), 1.0), Host())  # type: ignore[arg-type]  # is tried


def test_types_flow_through(gateway: Gateway[UnionPay]) -> None:
    """The reply's type is the endpoint's."""
    told = gateway.native(endpoints.QR_SCANNED, scan("NATIVE0070"))
    assert_type(told, NativeOutcome[UnionPayTransaction])
    assert isinstance(told, Succeeded)


def test_every_model_is_frozen_and_quiet() -> None:
    """No request or reply can be changed, and unknown fields of replies are kept and not shown."""
    reply = UnionPayTransaction.model_validate({"respCode": "00", "payerName": "张三", "accNo": "6216***0018"})
    assert reply.model_extra == {"payerName": "张三"}
    assert "张三" not in repr(reply)
    assert "0018" not in repr(reply)
    with pytest.raises(ValidationError):
        setattr(reply, "resp_code", "01")  # noqa: B010 - that is what is tried
    assert issubclass(endpoints.ScannedCode, Part)
    assert Secret("x") != "x"
