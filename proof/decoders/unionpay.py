"""UnionPay's decoders."""

from __future__ import annotations

from tests.support.rsa_keys import key, raw_key
from tests.wire.unionpay.stage import NOON, form, leaf, middle, on_the_wire, paid, reply, root, signed

from payport.adapters.unionpay.certificates import Chain, MalformedCertificate, Signers, parse_certificate
from payport.adapters.unionpay.forms import MalformedMessage, codec_of, parse_group, parse_notice, parse_reply
from payport.adapters.unionpay.reading import Unreadable, money, outcome, parsed
from payport.adapters.unionpay.sensitive import (
    MalformedCiphertext,
    decrypt,
    encrypt,
    pack_file,
    read_customer_info,
    unpack_file,
    write_customer_info,
)
from payport.adapters.unionpay.signing import reads_one_way, rsa_is_authentic
from payport.sdk.observation import Source
from proof.decoders.decoder import Read, as_text, decoder
from proof.mutating import Form

UNIONPAY = key("unionpay").public
OURS = [raw_key("merchant")]
SIGNERS = Signers([Chain(middle(), root())], test=False)
WHOLE = signed(paid(tokenPayData="{token=62&trId=1}", accNo="6216***0018"))
INFO = write_customer_info(OURS[0].public_key(), {"customerNm": "张三", "phoneNo": "18100000000"})


def read_reply(encoding: str) -> Read:
    """Parse, verify and read, as a call does."""

    def read(body: bytes) -> object:
        fields = parse_reply(body, encoding)
        reads_one_way(fields)
        rsa_is_authentic(fields, codec_of(encoding) or "", UNIONPAY)
        record = parsed(fields)
        return money(record), outcome(record, record.resp_code, record.resp_msg, Source.QUERY, NOON)

    return read


def read_notice(body: bytes) -> object:
    """Parse, find the signer and verify, as a receiver does."""
    fields = parse_notice(body, "shop=7")
    return reads_one_way(fields), SIGNERS.find(fields.get("signPubKeyCert", ""), NOON)


REPLY = (MalformedMessage, Unreadable)
CIPHER = (MalformedCiphertext,)
ENCRYPTED = encrypt(OURS[0].public_key(), "6216***0018").encode()
FILE = pack_file(b"ZM" * 100).encode()
CERTIFICATE = on_the_wire(leaf()).encode()
DECODERS = (
    decoder("unionpay: reply, UTF-8", read_reply("UTF-8"), reply(WHOLE), reply(paid()), declared=REPLY, form=Form.FORM),
    decoder("unionpay: reply, GBK", read_reply("GBK"), reply(WHOLE, "gbk"), declared=REPLY, form=Form.FORM),
    decoder("unionpay: notice", read_notice, form(WHOLE), declared=(MalformedMessage,), form=Form.FORM),
    decoder(
        "unionpay: group",
        as_text(parse_group),
        b"{token=62&trId={a=1&b=2}}",
        declared=(MalformedMessage,),
        form=Form.FORM,
    ),
    decoder("unionpay: certificate", as_text(parse_certificate), CERTIFICATE, declared=(MalformedCertificate,)),
    decoder(
        "unionpay: customer information",
        as_text(lambda text: read_customer_info(OURS, text)),
        INFO.encode(),
        declared=CIPHER,
    ),
    decoder("unionpay: ciphertext", as_text(lambda text: decrypt(OURS, text)), ENCRYPTED, declared=CIPHER),
    decoder("unionpay: file", as_text(lambda text: unpack_file(text, max_bytes=10_000)), FILE, declared=CIPHER),
)
