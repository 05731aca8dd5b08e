"""Alipay's decoders."""

from __future__ import annotations

import base64

from tests.support.rsa_keys import certificate, key

from payport.adapters.alipay.calls import from_china_time
from payport.adapters.alipay.certificates import MalformedCertificate, parse_certificates, parse_download, root_cert_sn
from payport.adapters.alipay.encryption import ContentCipher, MalformedCiphertext, decrypt, encrypt
from payport.adapters.alipay.forms import MalformedForm, encode_form, notice_is_authentic, parse_form
from payport.adapters.alipay.signing import MalformedReply, reply_is_authentic, split_reply, strict_json
from proof.decoders.decoder import Read, as_text, decoder
from proof.mutating import Form

ALIPAY = (key("alipay").public,)
CONTENT_KEY = base64.b64encode(bytes(16)).decode()
NODE = '{"code":"10000","subject":"茶 } \\" {","list":[{"a":1.5,"b":null}],"url":"https:\\/\\/a"}'
SIGN = base64.b64encode(key("alipay").sign(NODE.encode())).decode()
REPLY = f'{{"alipay_trade_query_response":{NODE},"alipay_cert_sn":"0123abcd","sign":"{SIGN}"}}'
LEAF = certificate("支付宝(中国)网络技术有限公司-2088", "Root", signed_by="root", of="alipay").encode()
NOTICE = encode_form({"charset": "utf-8", "subject": "茶+ &total_amount=1", "sign_type": "RSA2", "sign": SIGN})


def read_reply(charset: str) -> Read:
    """Split, verify and decode, as a call does."""

    def read(body: bytes) -> object:
        reply = split_reply(body, "alipay.trade.query", charset)
        reply_is_authentic(reply, ALIPAY)
        return reply.ciphertext if reply.is_encrypted else strict_json(reply.node, reply.charset)

    return read


def read_notice(body: bytes) -> object:
    """Parse and verify, as a receiver does."""
    return notice_is_authentic(parse_form(body), ALIPAY)


def opened(cipher: ContentCipher) -> Read:
    """Decrypt a content."""
    return as_text(lambda text: decrypt(CONTENT_KEY, text, cipher=cipher))


def sealed(cipher: ContentCipher) -> bytes:
    """One ciphertext."""
    vector = bytes(16) if cipher is ContentCipher.AES else bytes(range(16))
    return encrypt(CONTENT_KEY, NODE.encode(), cipher=cipher, vector=vector).encode()


DOWNLOAD = base64.b64encode(LEAF)
DECODERS = (
    decoder("alipay: reply, UTF-8", read_reply("utf-8"), REPLY.encode(), declared=(MalformedReply,), form=Form.JSON),
    decoder("alipay: reply, GBK", read_reply("gbk"), REPLY.encode("gbk"), declared=(MalformedReply,), form=Form.JSON),
    decoder("alipay: node", strict_json, NODE.encode(), declared=(MalformedReply,), form=Form.JSON),
    decoder("alipay: notice", read_notice, NOTICE, declared=(MalformedForm,), form=Form.FORM),
    decoder("alipay: certificate", as_text(parse_certificates), LEAF, declared=(MalformedCertificate,)),
    decoder("alipay: root file", as_text(root_cert_sn), LEAF * 2, declared=(MalformedCertificate,)),
    decoder("alipay: downloaded certificate", as_text(parse_download), DOWNLOAD, declared=(MalformedCertificate,)),
    decoder("alipay: AES", opened(ContentCipher.AES), sealed(ContentCipher.AES), declared=(MalformedCiphertext,)),
    decoder("alipay: SM4", opened(ContentCipher.SM4), sealed(ContentCipher.SM4), declared=(MalformedCiphertext,)),
    decoder("alipay: time", as_text(from_china_time), b"2026-01-31 12:00:00", declared=(ValueError, OverflowError)),
)
