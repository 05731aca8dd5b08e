"""Alipay's signatures: what is signed, where the signed bytes stand in a reply, and what is not believed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key

from payport.adapters.alipay.signing import (
    MalformedReply,
    SignedReply,
    canonical,
    decoder,
    encoder,
    reply_is_authentic,
    split_reply,
    strict_json,
    verify,
)

ALIPAY = (key("alipay").public,)
NODE = b'{"code":"10000","msg":"Success","out_trade_no":"T1","total_amount":"12.34"}'


def signed(message: bytes) -> str:
    """What Alipay would put under ``sign``."""
    return base64.b64encode(key("alipay").sign(message)).decode()


def envelope(node: bytes, sign: str, *, name: str = "alipay_trade_query_response", extra: bytes = b"") -> bytes:
    """A reply with ``extra`` between the node and the signature."""
    return b'{"%s":%s%s,"sign":"%s"}' % (name.encode(), node, extra, sign.encode())


def test_the_canonical_text_is_sorted_raw_and_without_empty_values() -> None:
    """Byte order, ``name=value`` joined by ``&``, nothing escaped, ``sign`` left out, ``sign_type`` kept."""
    params = {"b": "x y&=+%", "a": "茶", "sign_type": "RSA2", "B": "1", "empty": "", "sign": "zzz"}
    assert "B=1&a=茶&b=x y&=+%&sign_type=RSA2".encode() == canonical(params)
    without_both = canonical(params, without=frozenset({"sign", "sign_type"}))
    assert "B=1&a=茶&b=x y&=+%".encode() == without_both


@pytest.mark.parametrize(("charset", "codec"), [("utf-8", "utf-8"), ("UTF-8", "utf-8"), ("gbk", "gbk"), ("GBK", "gbk")])
def test_the_canonical_text_is_encoded_in_the_requests_charset(charset: str, codec: str) -> None:
    """Both spellings of both charsets are on the wire."""
    assert "subject=咖啡".encode(codec) == canonical({"subject": "咖啡"}, charset)
    assert codec == encoder(charset)


def test_a_charset_that_the_partner_does_not_have_is_refused() -> None:
    """So is a character that the charset cannot carry: the partner would read another text than we signed."""
    with pytest.raises(LookupError, match="utf-8 or gbk"):
        canonical({}, "latin-1")
    with pytest.raises(UnicodeEncodeError):
        canonical({"subject": "\N{HOT BEVERAGE}\N{GRINNING FACE}"}, "gbk")
    assert decoder("latin-1") is None


def test_verify_takes_one_spelling_of_base64_and_any_of_the_keys() -> None:
    """Current and previous key are tried in turn; nothing makes it raise."""
    sign = signed(b"tea")
    both = (key("other").public, key("alipay").public)
    assert verify(both, b"tea", sign)
    assert not verify(both[:1], b"tea", sign)
    assert not verify((), b"tea", sign)
    for other in (
        "",
        "=",
        sign + "\n",
        " " + sign,
        sign[:-1],
        sign.rstrip("="),
        sign + "====",
        "茶",
        sign[:-4],
        "A" * 344,
    ):
        assert not verify(both, b"tea", other)


REPLIES: dict[str, tuple[bytes, bytes]] = {
    "plain": (b'{"alipay_trade_query_response":{"a":"1"},"sign":"x"}', b'{"a":"1"}'),
    "genuine reply with } in a text": (
        b'{"alipay_trade_query_response":{"subject":"50% off } \\" { today"},"sign":"x"}',
        b'{"subject":"50% off } \\" { today"}',
    ),
    "texts that end in backslashes": (
        b'{"alipay_trade_query_response":{"a\\\\":"b\\\\\\\\"},"sign":"x"}',
        b'{"a\\\\":"b\\\\\\\\"}',
    ),
    "nested objects and arrays": (
        b'{"alipay_trade_query_response":{"a":[{"b":[]},"]"]},"sign":"x"}',
        b'{"a":[{"b":[]},"]"]}',
    ),
    "blanks everywhere": (
        b' \r\n{ "alipay_trade_query_response"\t:\n { "a" : 1 } , "sign" : "x" } \n',
        b'{ "a" : 1 }',
    ),
    "a nested sign is not the signature": (
        b'{"alipay_trade_query_response":{"sign":"evil","a":1},"sign":"x"}',
        b'{"sign":"evil","a":1}',
    ),
    "sign first": (b'{"sign":"x","alipay_trade_query_response":{}}', b"{}"),
    "unknown neighbours of every kind": (
        b'{"a":1,"b":-1.5e3,"c":true,"d":null,"e":[{}],"alipay_trade_query_response":{},"f":"g","sign":"x"}',
        b"{}",
    ),
    "a node under another name inside a text": (
        b'{"note":"\\"alipay_trade_query_response\\":{\\"code\\":\\"10000\\"}","sign":"x","alipay_trade_query_response":{}}',
        b"{}",
    ),
    "encrypted, with its two quotes": (b'{"alipay_trade_query_response":"aGk=","sign":"x"}', b'"aGk="'),
    "after a byte order mark": (b'\xef\xbb\xbf{"alipay_trade_query_response":{},"sign":"x"}', b"{}"),
    "refused at the gateway": (b'{"error_response":{"code":"40002"},"sign":"x"}', b'{"code":"40002"}'),
    "Chinese": ('{"alipay_trade_query_response":{"a":"茶"},"sign":"x"}'.encode(), '{"a":"茶"}'.encode()),
}


@pytest.mark.parametrize(("body", "node"), REPLIES.values(), ids=REPLIES.keys())
def test_the_node_is_cut_out_as_it_was_sent(body: bytes, node: bytes) -> None:
    """By its place at the top level, byte for byte."""
    reply = split_reply(body, "alipay.trade.query")
    assert node == reply.node
    assert reply.sign == "x"


@pytest.mark.parametrize("name", ["alipay_trade_query_response", "error_response", "alipay_trade_close_response"])
@pytest.mark.parametrize("text", ["", "x", "茶", "{", "]", '\\"', "\\\\", "\\u007b"])
def test_the_usual_reply_is_read_as_the_careful_way_reads_it(text: str, name: str) -> None:
    """A blank at the end is enough to go the careful way; nothing else may differ."""
    node = NODE.replace(b"Success", text.encode())
    usual = envelope(node, signed(node), name=name)

    def read(body: bytes) -> SignedReply | str:
        try:
            return split_reply(body, "alipay.trade.query")
        except MalformedReply as error:
            return str(error)

    assert read(usual + b" ") == read(usual)


@pytest.mark.parametrize("after", [False, True], ids=["before sign", "after sign"])
def test_the_certificate_number_stands_before_or_after_the_signature(after: bool) -> None:
    """Neither place is part of the signed bytes."""
    number, sign = b'"alipay_cert_sn":"0123abcd"', b'"sign":"x"'
    tail = sign + b"," + number if after else number + b"," + sign
    reply = split_reply(b'{"alipay_trade_query_response":{"a":1},' + tail + b"}", "alipay.trade.query")
    assert SignedReply("alipay_trade_query_response", b'{"a":1}', "x", "0123abcd") == reply


@pytest.mark.parametrize("sign", [b',"sign":""', b',"sign":null', b""], ids=["empty", "null", "missing"])
def test_an_unsigned_gateway_error_is_no_business_result(sign: bytes) -> None:
    """The gateway refuses an unknown application without a signature: it can be read, and is never authentic."""
    body = b'{"error_response":{"code":"40004"}' + sign + b"}"
    reply = split_reply(body, "alipay.trade.pay")
    assert reply.sign is None
    assert not reply_is_authentic(reply, ALIPAY)
    assert strict_json(reply.node) == {"code": "40004"}


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "HTML of a 502": b"<html><body>502 Bad Gateway</body></html>",
    "an array": b'[{"alipay_trade_query_response":{}}]',
    "no node": b'{"sign":"x"}',
    "node of another method": b'{"alipay_trade_pay_response":{},"sign":"x"}',
    "node twice": b'{"alipay_trade_query_response":{},"alipay_trade_query_response":{"a":1},"sign":"x"}',
    "node and error": b'{"alipay_trade_query_response":{},"error_response":{},"sign":"x"}',
    "sign twice": b'{"alipay_trade_query_response":{},"sign":"x","sign":"y"}',
    "sign is a number": b'{"alipay_trade_query_response":{},"sign":1}',
    "sign is an object": b'{"alipay_trade_query_response":{},"sign":{}}',
    "sign is not ASCII": '{"alipay_trade_query_response":{},"sign":"茶"}'.encode(),
    "sign with a wrong escape": b'{"alipay_trade_query_response":{},"sign":"a\\qb"}',
    "node is a number": b'{"alipay_trade_query_response":1,"sign":"x"}',
    "node is an array": b'{"alipay_trade_query_response":[],"sign":"x"}',
    "node is missing": b'{"alipay_trade_query_response":,"sign":"x"}',
    "escapes in a name": b'{"alipay_trade_query_response":{},"s\\u0069gn":"x"}',
    "certificate number with a path": b'{"alipay_trade_query_response":{},"alipay_cert_sn":"../x","sign":"x"}',
    "text after the end": b'{"alipay_trade_query_response":{},"sign":"x"}{}',
    "comma before the end": b'{"alipay_trade_query_response":{},"sign":"x",}',
    "no comma": b'{"alipay_trade_query_response":{} "sign":"x"}',
    "cut in a text": b'{"alipay_trade_query_response":{"a":"b',
    "cut in a bracket": b'{"alipay_trade_query_response":{"a":[',
    "cut after a value": b'{"alipay_trade_query_response":{}',
    "cut in the signature": b'{"alipay_trade_query_response":{},"sign":"x',
    "wrong bracket": b'{"alipay_trade_query_response":{"a":[}},"sign":"x"}',
    "nested too deep": b'{"alipay_trade_query_response":' + b'{"a":' * 80 + b"1" + b"}" * 81,
    "neither UTF-8 nor GBK": b'{"alipay_trade_query_response":{"a":"\xff\xff"},"sign":"x"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_reply_of_another_shape_is_refused(body: bytes) -> None:
    """With the one declared error: nothing of it can be believed."""
    with pytest.raises(MalformedReply):
        split_reply(body, "alipay.trade.query")


def test_a_reply_in_an_unknown_charset_is_refused() -> None:
    """Only the two charsets that can be asked for."""
    with pytest.raises(MalformedReply, match="charset"):
        split_reply(NODE, "alipay.trade.query", "latin-1")
    with pytest.raises(MalformedReply, match="charset"):
        strict_json(NODE, "latin-1")


# In GBK the second byte of each of these is an ASCII sign: a scanner of bytes takes it for what it is not.
TRAPS = {"\\": "乗", "{": "亄", "}": "亇", "[": "乕", "]": "乚"}


@pytest.mark.parametrize(("sign", "trap"), TRAPS.items())
def test_gbk_characters_that_end_like_ascii_signs_mislead_nobody(sign: str, trap: str) -> None:
    """The second byte of a GBK character can be a backslash, a brace or a bracket."""
    assert trap.encode("gbk").endswith(sign.encode())
    node = f'{{"subject":"tea{trap}","a":"{trap}{trap}"}}'.encode("gbk")
    reply = split_reply(envelope(node, signed(node)), "alipay.trade.query", "GBK")
    assert (node, "gbk") == (reply.node, reply.charset)
    assert reply_is_authentic(reply, ALIPAY)
    assert {"subject": f"tea{trap}", "a": trap * 2} == strict_json(reply.node, reply.charset)


def test_an_error_in_gbk_is_read_although_utf8_was_asked() -> None:
    """The platform's own faults (code 20000) ignore the charset; ``charset`` of the reply says how to read it."""
    body = '{"error_response":{"code":"20000","msg":"服务不可用"}}'.encode("gbk")
    reply = split_reply(body, "alipay.trade.pay", "utf-8")
    assert strict_json(reply.node, reply.charset) == {"code": "20000", "msg": "服务不可用"}
    with pytest.raises(MalformedReply):
        strict_json(reply.node, "utf-8")


def test_utf8_is_read_although_gbk_was_asked() -> None:
    """The other way round, where the bytes tell."""
    body = '{"error_response":{"msg":"茶。"}}'.encode()
    reply = split_reply(body, "alipay.trade.pay", "gbk")
    assert (reply.charset, strict_json(reply.node, reply.charset)) == ("utf-8", {"msg": "茶。"})


def test_an_authentic_reply_is_believed_under_the_right_key_only() -> None:
    """Your own key configured as Alipay's verifies nothing."""
    reply = split_reply(envelope(NODE, signed(NODE)), "alipay.trade.query")
    assert reply_is_authentic(reply, ALIPAY)
    assert not reply_is_authentic(reply, (key("ours").public,))
    assert reply_is_authentic(reply, (key("ours").public, *ALIPAY))


def test_json_written_anew_is_not_what_was_signed() -> None:
    """The same values with other blanks do not verify: the bytes count."""
    spaced = json.dumps(json.loads(NODE)).encode()
    assert not reply_is_authentic(split_reply(envelope(spaced, signed(NODE)), "alipay.trade.query"), ALIPAY)


def test_the_signature_may_be_written_with_escaped_slashes() -> None:
    r"""Some serialisers write ``\/`` inside the base64 too."""
    sign = next(text for number in range(100) if "/" in (text := signed(NODE.replace(b"T1", b"T%d" % number))))
    node = next(n for number in range(100) if signed(n := NODE.replace(b"T1", b"T%d" % number)) == sign)
    assert reply_is_authentic(split_reply(envelope(node, sign.replace("/", "\\/")), "alipay.trade.query"), ALIPAY)


def test_a_node_signed_before_its_slashes_were_escaped_is_believed() -> None:
    r"""``\/`` and ``/`` are the same JSON; no other rewriting is tried."""
    plain = b'{"code":"10000","url":"https://qr.example/a"}'
    escaped = plain.replace(b"/", b"\\/")
    for on_the_wire in (plain, escaped):
        assert reply_is_authentic(split_reply(envelope(on_the_wire, signed(plain)), "alipay.trade.query"), ALIPAY)
    assert reply_is_authentic(split_reply(envelope(escaped, signed(escaped)), "alipay.trade.query"), ALIPAY)
    assert not reply_is_authentic(split_reply(envelope(plain, signed(escaped)), "alipay.trade.query"), ALIPAY)


def test_a_spoofed_nested_node_is_not_taken_for_the_reply() -> None:
    """A text or object that a customer controls may hold a whole signed reply of another order: it stays inside."""
    genuine = envelope(NODE, signed(NODE))
    inner = b'{"body":' + json.dumps(genuine.decode()).encode() + b',"more":' + genuine + b"}"
    reply = split_reply(envelope(inner, signed(NODE)), "alipay.trade.query")
    assert inner == reply.node
    assert not reply_is_authentic(reply, ALIPAY)


def test_an_encrypted_node_gives_its_ciphertext() -> None:
    """Verified with its quotes, decrypted without them."""
    node = b'"aGk\\/aGk="'
    reply = split_reply(envelope(node, signed(node)), "alipay.trade.query")
    assert reply_is_authentic(reply, ALIPAY)
    assert (reply.is_encrypted, reply.ciphertext) == (True, "aGk/aGk=")
    with pytest.raises(MalformedReply, match="not encrypted"):
        _ = split_reply(envelope(NODE, "x"), "alipay.trade.query").ciphertext


def test_strict_json_reads_what_is_there() -> None:
    """Fractions become ``Decimal``: no float can get near money."""
    node = b'{"a":"12.30","b":1,"c":0.10,"d":[true,null],"e":{"f":"\\u8336\\ud83c\\udf75"}}'
    expected = {
        "a": "12.30",
        "b": 1,
        "c": Decimal("0.10"),
        "d": [True, None],
        "e": {"f": "茶\N{TEACUP WITHOUT HANDLE}"},
    }
    assert expected == strict_json(node)
    assert Decimal("0.10").as_tuple() == Decimal(str(strict_json(node)["c"])).as_tuple()


LOOSE: dict[str, bytes] = {
    "a name twice": b'{"amount":"1","amount":"2"}',
    "a name twice, further in": b'{"a":[{"b":1,"b":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a surrogate pair as a name": b'{"\\udfff":"a"}',
    "an absurd integer": b'{"a":' + b"9" * 5000 + b"}",
    "a control character": b'{"a":"\x01"}',
    "an array": b"[]",
    "a text": b'"a"',
    "text after the end": b"{} {}",
    "not UTF-8": b'{"a":"\xff"}',
    "nested without end": b'{"a":' + b"[" * 100_000,
    "cut": b'{"a":',
}


@pytest.mark.parametrize("node", LOOSE.values(), ids=LOOSE.keys())
def test_loose_json_is_refused(node: bytes) -> None:
    """With the one declared error."""
    with pytest.raises(MalformedReply):
        strict_json(node)


def test_every_flipped_bit_of_message_or_signature_is_noticed() -> None:
    """Each single bit of the node and of the raw signature, on one sample."""
    sign, public = key("alipay").sign(NODE), ALIPAY[0]
    assert public.verify(NODE, sign)
    assert not any(public.verify(bad, sign) for bad in flips(NODE))
    assert not any(public.verify(NODE, bad) for bad in flips(sign))


def flips(data: bytes) -> Iterator[bytes]:
    """``data`` with each of its bits flipped, one at a time."""
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


def test_every_flipped_bit_of_a_reply_is_noticed_or_harmless() -> None:
    """A changed reply is refused, or verifies only because the node and the signature are what they were."""
    body = envelope(NODE, signed(NODE), extra=b',"alipay_cert_sn":"0123abcd"')
    for bad in flips(body):
        try:
            reply = split_reply(bad, "alipay.trade.query")
        except MalformedReply:
            continue
        assert reply.node == NODE or not reply_is_authentic(reply, ALIPAY)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text('ab{}[]"\\:,茶', max_size=4)
LEAVES: st.SearchStrategy[object] = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), TEXTS)
JSON_VALUES: st.SearchStrategy[object] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text('abc{}"\\乗', max_size=4), JSON_VALUES, max_size=5), st.sampled_from([None, 1]))
def test_whatever_a_serialiser_writes_is_cut_out_whole(node: dict[str, object], indent: int | None) -> None:
    """Any object, written by a real serialiser with or without line breaks, comes back byte for byte and value for
    value.
    """
    raw = json.dumps(node, ensure_ascii=False, indent=indent).encode()
    reply = split_reply(envelope(raw, "x", extra=b', "alipay_cert_sn": "0123abcd"'), "alipay.trade.query")
    assert raw == reply.node
    assert node == strict_json(reply.node)


def test_reading_replies_and_notices_needs_no_cryptography_at_import() -> None:
    """A process pays for the library when it parses its first key, not when it imports the adapter."""
    modules = ("payport.adapters.alipay.signing", "payport.adapters.alipay.forms", "payport.sdk.keyring")
    code = f"import sys, {', '.join(modules)}; sys.exit('cryptography' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert found.returncode == 0


@pytest.mark.parametrize(
    "filling",
    [b"\\\\", b'{"a":', b"[", b'"', b"{}", b'","', b"\x81\x5c", b"\\u0061", b" "],
    ids=lambda filling: repr(filling)[2:-1],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(filling: bytes) -> None:
    """No input of the largest size that is let in costs more than a fraction of a second."""
    started_s = time.process_time()
    body = b'{"alipay_trade_query_response":{"a":"' + filling * (1_000_000 // len(filling))
    for tail in (b"", b'"},"sign":"x"}'):
        try:
            split_reply(body + tail, "alipay.trade.query", "gbk")
        except MalformedReply:
            continue
    assert time.process_time() - started_s < 2.0
