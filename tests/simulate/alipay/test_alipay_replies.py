"""Replies in every mode, charset and oddity carry a signature over their raw node, checked here by hand."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.certificates import cert_sn, chain_is_valid, parse_certificates, root_cert_sn
from payport.adapters.alipay.encryption import decrypt, encrypt
from payport.adapters.alipay.signing import reply_is_authentic, split_reply
from payport.adapters.alipay.simulator import AlipaySimulator, Quirks, Wallet
from payport.sdk.keys import PublicKey
from payport.sdk.message import WireReply

ODDITIES = [
    Quirks(escaped_slashes=slashes, blanks=blanks, hostile_texts=hostile, cert_sn_first=first)
    for slashes, blanks, hostile, first in itertools.product((False, True), repeat=4)
]


@pytest.mark.parametrize("quirks", ODDITIES, ids=str)
def test_odd_replies_are_genuine(quirks: Quirks) -> None:
    """Escaped slashes, blanks, braces in texts, a nested sign, the number before the signature: all authentic."""
    partner = AlipaySimulator("certificate")
    partner.quirks = quirks
    assert quirks is partner.quirks
    merchant = Merchant(partner)
    merchant.pay(body="a/b")
    said = merchant.query()
    assert (said.authentic, said.code, said.fields["body"]) == (True, "10000", "a/b")
    assert ("store_name" in said.fields) == quirks.hostile_texts
    assert (b"\\/" in said.raw) == quirks.escaped_slashes
    before_sign = said.raw.index(b"alipay_cert_sn") < said.raw.rindex(b'"sign"')
    assert before_sign == quirks.cert_sn_first
    # the library's own reader finds the same
    reply = split_reply(said.raw, "alipay.trade.query")
    assert reply_is_authentic(reply, [PublicKey(merchant.key)])
    assert said.cert_sn == reply.cert_sn


def test_gbk_is_spoken_when_asked_for() -> None:
    """A Chinese subject goes out and comes back in GBK."""
    partner = AlipaySimulator(charset="gbk")
    merchant = Merchant(partner)
    merchant.pay()
    said = merchant.query()
    assert (said.fields["subject"], said.authentic) == ("茶 Tea", True)
    assert "茶".encode("gbk") in said.raw


def test_encrypted_contents() -> None:
    """The content goes in encrypted, the node comes back as an encrypted string; refusals stay in clear."""
    partner = AlipaySimulator(encryption=True)
    merchant = Merchant(partner)
    secret = merchant.account.encryption_key
    assert secret is not None
    text = json.dumps(merchant.order(scene="bar_code", auth_code=partner.payer.code()))
    said = merchant.call("alipay.trade.pay", encrypt(secret.reveal(), text.encode()), encrypt_type="AES")
    assert said.authentic
    content: dict[str, Any] = json.loads(decrypt(secret.reveal(), said.fields["content"]))
    assert (content["code"], content["total_amount"]) == ("10000", "12.34")
    refused = merchant.call("alipay.trade.pay", encrypt(secret.reveal(), text.encode()), encrypt_type="AES")
    assert refused.code == "ACQ.TRADE_HAS_SUCCESS"
    assert merchant.pay("SHOP2", code=partner.payer.code(Wallet.CONFIRMS)).code == "10003"


def test_certificates_have_alipays_shape() -> None:
    """Leaf and intermediate descend from the RSA root; the ECDSA root beside it counts for nothing."""
    merchant = Merchant(AlipaySimulator("certificate"))
    certificates = merchant.account.certificates
    assert certificates is not None
    leaf, intermediate = parse_certificates(certificates.alipay)
    roots = parse_certificates(certificates.root)
    assert (len(roots), certificates.root.count("BEGIN CERTIFICATE")) == (1, 2)
    assert chain_is_valid(leaf, [intermediate], roots, merchant.partner.now)
    assert len(root_cert_sn(certificates.root)) == 32
    said = merchant.pay()
    assert (cert_sn(certificates.alipay), True) == (said.cert_sn, said.authentic)


def test_pinned_certificates_descend_from_nothing_known() -> None:
    """As in the sandbox: the root file is another's, so the one certificate given must be pinned."""
    merchant = Merchant(AlipaySimulator("pinned"))
    certificates = merchant.account.certificates
    assert certificates is not None
    assert certificates.pinned
    leaf, intermediate = parse_certificates(certificates.alipay)
    assert not chain_is_valid(leaf, [intermediate], parse_certificates(certificates.root), merchant.partner.now)
    assert merchant.pay().authentic


def test_a_renewed_certificate_has_another_number(certified: AlipaySimulator) -> None:
    """The same key unless asked otherwise; the merchant's configured certificate stays what it was."""
    merchant = Merchant(certified)
    number = certified.rotate_certificate()
    said = merchant.pay()
    assert (number, True) == (said.cert_sn, said.authentic)
    other = certified.rotate_certificate(new_key=True)
    said = merchant.query()
    assert (other, False) == (said.cert_sn, said.authentic)
    assert number != other


def test_without_certificates_there_is_nothing_to_renew(partner: AlipaySimulator) -> None:
    """Public-key mode has no certificate number either."""
    with pytest.raises(ValueError, match="public-key mode"):
        partner.rotate_certificate()
    assert Merchant(partner).query().cert_sn is None


def test_what_a_reply_looks_like_on_the_wire(merchant: Merchant) -> None:
    """Status 200 always, the header says text/html, a trace number is there."""
    answer = merchant.send(merchant.parameters("alipay.trade.query", {"out_trade_no": "X"}))
    assert isinstance(answer, WireReply)
    assert (answer.status, answer.header("content-type")) == (200, "text/html;charset=utf-8")
    assert answer.header("trace_id")


def test_accounts_of_each_mode_are_complete() -> None:
    """Key or certificates, secrets hidden, other merchants with other numbers."""
    partner = AlipaySimulator(app_id="9021000000000002", seller_id="2088000000000002", encryption=True)
    account = partner.account
    assert (account.app_id, account.seller_id) == ("9021000000000002", "2088000000000002")
    assert account.sandbox
    assert "PRIVATE" not in repr(account)
