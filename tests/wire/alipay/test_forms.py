"""Alipay's forms: decoded once, verified over bytes, and refused where they could be read in two ways."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key

from payport.adapters.alipay.forms import (
    MAX_PAIRS,
    Form,
    MalformedForm,
    encode_form,
    notice_is_authentic,
    parse_form,
    reads_two_ways,
)
from payport.adapters.alipay.signing import canonical

ALIPAY = (key("alipay").public,)
NEITHER = frozenset({"sign", "sign_type"})
NOTICE = {
    "app_id": "2021000000000001",
    "body": "",
    "charset": "utf-8",
    "fund_bill_list": '[{"amount":"12.34","fundChannel":"ALIPAYACCOUNT"}]',
    "gmt_payment": "2026-07-01 12:00:00",
    "notify_id": "N1",
    "notify_time": "2026-07-01 12:00:01",
    "out_trade_no": "SHOP10010001",
    "passback_params": "a%3D1%26total_amount%3D9",
    "sign_type": "RSA2",
    "subject": "Tea + 茶 & cake = 100%",
    "total_amount": "12.34",
    "trade_status": "TRADE_SUCCESS",
}


def signature(message: bytes) -> str:
    """What Alipay would send as ``sign``."""
    return base64.b64encode(key("alipay").sign(message)).decode()


def keeping_empty(params: Mapping[str, str], without: frozenset[str] = NEITHER, charset: str = "utf-8") -> bytes:
    """The signed text as some of the partner's systems write it: with fields that are present but empty."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name not in without).encode(charset)


def signed_form(params: Mapping[str, str], message: bytes, charset: str = "utf-8") -> bytes:
    """A notice's body, encoded by another library than ours."""
    return urlencode({**params, "sign": signature(message)}, encoding=charset).encode()


def test_a_form_is_decoded_once() -> None:
    """``+`` is a blank, ``%2B`` a literal plus, ``%252B`` stays ``%2B``."""
    form = parse_form(b"a=1+2%2B3&b=%25%32%42&c=%252B&d=&e=x=y==&f=%e8%8c%b6")
    expected = {"a": "1 2+3", "b": "%2B", "c": "%2B", "d": "", "e": "x=y==", "f": "茶"}
    assert expected == dict(form.fields)
    assert list(form.fields) == ["a", "b", "c", "d", "e", "f"]
    assert (form.get("a"), form.get("d"), form.get("z")) == ("1 2+3", None, None)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "gbk", "GBK", "gb18030"])
def test_the_charset_field_says_what_the_bytes_mean(charset: str) -> None:
    """GBK notices come when the order's request did not name its charset in the URL."""
    body = urlencode({"subject": "咖啡乗", "charset": charset}, encoding=charset).encode()
    form = parse_form(body)
    assert "咖啡乗" == form.fields["subject"]  # noqa: SIM300 - expected on the left
    assert form.charset == ("utf-8" if charset.lower() == "utf-8" else "gbk")


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "a name twice": b"a=1&a=1",
    "a name twice, once escaped": b"a=1&%61=2",
    "a blank name": b"=1",
    "a blank name beside others": b"a=1&=2",
    "a blank pair": b"a=1&&b=2",
    "an ampersand at the end": b"a=1&",
    "no equals sign": b"a=1&b",
    "an equals sign in a name": b"a%3D1=2",
    "an ampersand in a name": b"a%26b=2",
    "a blank in a name": b"a+b=2",
    "a Chinese name": "茶=1".encode("ascii", "ignore") + b"%e8%8c%b6=1",
    "a lone percent": b"a=100%",
    "a percent before one digit": b"a=%4",
    "a percent before no digits": b"a=%zz",
    "two percents": b"a=%%41",
    "percent before a line end": b"a=%0",
    "a raw line end": b"a=1\n&b=2",
    "a percent and a raw line end": b"a=%\n",
    "a raw blank": b"a=1 2",
    "raw UTF-8": "a=茶".encode(),
    "raw NUL": b"a=\0",
    "the first sentinel": b"a=%01b",
    "the first sentinel in place of a name that stands twice": b"a=1&a=%01b=2",
    "the second sentinel": b"a=%02b",
    "not UTF-8": b"a=%ff",
    "not GBK": b"a=%ff&charset=gbk",
    "half a GBK character before a pair ends": b"a=%81&b=1&charset=gbk",
    "an unknown charset": b"a=1&charset=utf-7",
    "too many": b"&".join(b"a%d=1" % number for number in range(MAX_PAIRS + 1)),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_form_of_another_shape_is_refused(body: bytes) -> None:
    """With the one declared error."""
    with pytest.raises(MalformedForm):
        parse_form(body)


def test_as_many_fields_as_allowed_are_read() -> None:
    """The cap is far above the richest notice."""
    assert len(parse_form(b"&".join(b"a%d=1" % number for number in range(MAX_PAIRS))).fields) == MAX_PAIRS


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x01\x02"))
NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=6).filter(lambda name: name not in {"charset", "sign"})


@given(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=6))
def test_what_is_encoded_is_decoded(params: dict[str, str]) -> None:
    """By us or by the standard library, to the same fields; our bytes are the standard library's with ``%20``."""
    ours, theirs = encode_form(params), urlencode(params).encode()
    assert params == dict(parse_form(ours).fields) == dict(parse_form(theirs).fields)
    assert urlencode(params, quote_via=quote, safe="").encode() == ours


@given(st.dictionaries(NAMES, st.text("\x01\x02&=%a茶", max_size=6), max_size=4))
def test_control_characters_are_escaped_like_any_other(params: dict[str, str]) -> None:
    """Also those that stand for separators inside the encoder: no text can make a field of its own."""
    assert urlencode(params, quote_via=quote, safe="").encode() == encode_form(params)


GBK_TEXTS = st.text(st.sampled_from("咖啡乗亄亇茶 +%&=~\u4e02"), max_size=8)


@given(GBK_TEXTS)
def test_what_is_encoded_in_gbk_is_decoded(text: str) -> None:
    """Bytes, not characters, are escaped."""
    body = encode_form({"subject": text, "charset": "GBK"}, "GBK")
    assert text == parse_form(body).fields["subject"]
    assert urlencode({"subject": text, "charset": "GBK"}, encoding="gbk", quote_via=quote, safe="").encode() == body


def test_an_encoded_form_keeps_its_order_and_says_what_it_cannot_carry() -> None:
    """A signature's ``+`` travels as ``%2B``, a blank as ``%20``."""
    assert b"b=a%2Bb%20c&a=%E8%8C%B6~" == encode_form({"b": "a+b c", "a": "茶~"})  # noqa: SIM300 - expected on the left
    with pytest.raises(LookupError):
        encode_form({}, "latin-1")
    with pytest.raises(UnicodeEncodeError):
        encode_form({"a": "\N{GRINNING FACE}"}, "gbk")


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_notice_is_believed_whether_empty_fields_were_signed_or_dropped(charset: str) -> None:
    """The partner's papers contradict each other: both are tried, and nothing else."""
    params = {**NOTICE, "charset": charset}
    for message in (keeping_empty(params, charset=charset), canonical(params, charset, without=NEITHER)):
        form = parse_form(signed_form(params, message, charset))
        assert notice_is_authentic(form, ALIPAY)
        assert notice_is_authentic(form, (key("other").public, *ALIPAY))
        assert not notice_is_authentic(form, (key("other").public,))
        assert not notice_is_authentic(form, ())


def test_a_literal_plus_in_a_notice_survives() -> None:
    """Decoded twice, as many frameworks do, it would turn into a blank and the notice would be refused."""
    params = {**NOTICE, "subject": "yin+yang"}
    message = canonical(params, without=NEITHER)
    assert notice_is_authentic(parse_form(signed_form(params, message)), ALIPAY)
    assert not notice_is_authentic(parse_form(signed_form({**params, "subject": "yin yang"}, message)), ALIPAY)


GATEWAY_MESSAGE = {
    "app_id": "2021000000000001",
    "biz_content": '{"out_request_no":"R1"}',
    "charset": "UTF-8",
    "empty": "",
    "msg_method": "alipay.trade.refund.depositback.completed",
    "notify_id": "N2",
    "sign_type": "RSA2",
}


@pytest.mark.parametrize("named", [True, False], ids=["msg_method", "life account, no msg_method"])
def test_a_message_of_the_application_gateway_signs_its_sign_type(named: bool) -> None:
    """Rule V2; for messages that say so it is the only rule."""
    params = GATEWAY_MESSAGE if named else {k: v for k, v in GATEWAY_MESSAGE.items() if k != "msg_method"}
    v2 = frozenset({"sign"})
    for message in (keeping_empty(params, v2), canonical(params)):
        assert notice_is_authentic(parse_form(signed_form(params, message)), ALIPAY)
    v1 = signed_form(params, keeping_empty(params))
    assert named != notice_is_authentic(parse_form(v1), ALIPAY)


def test_a_notice_without_sign_type_is_verified_all_the_same() -> None:
    """Then both rules sign the same text."""
    params = {"app_id": "1", "out_trade_no": "T1"}
    assert notice_is_authentic(parse_form(signed_form(params, canonical(params))), ALIPAY)
    assert notice_is_authentic(parse_form(signed_form({**params, "z": ""}, canonical(params))), ALIPAY)


def test_a_one_year_old_notice_is_still_authentic() -> None:
    """A notice carries no nonce: its signature never ages. Deduplication and monotonic state are the caller's."""
    params = {**NOTICE, "notify_time": "2025-07-01 12:00:01"}
    assert notice_is_authentic(parse_form(signed_form(params, keeping_empty(params))), ALIPAY)


TAMPERED: dict[str, dict[str, str]] = {
    "another amount": {"total_amount": "0.01"},
    "another order": {"out_trade_no": "SHOP10010002"},
    "another status": {"trade_status": "TRADE_CLOSED"},
    "a field more": {"refund_fee": "1.00"},
    "a field of one equals sign more": {"refund_fee": "="},
    "another spelling of the charset": {"charset": "UTF-8"},
    "no signature": {"sign": ""},
    "a signature that is not ASCII": {"sign": "茶"},
    "a signature with a blank for its plus": {"sign": "ab cd"},
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_changed_notice_is_not_believed(change: dict[str, str]) -> None:
    """Neither values nor the set of fields can be changed, except for empty ones."""
    params = {**NOTICE, "body": "x", "sign": signature(canonical({**NOTICE, "body": "x"}, without=NEITHER))}
    assert notice_is_authentic(parse_form(encode_form(params)), ALIPAY)
    body = "&".join(f"{name}={quote(value, safe='=')}" for name, value in {**params, **change}.items()).encode()
    assert not notice_is_authentic(parse_form(body), ALIPAY)


def test_a_missing_signature_is_no_signature() -> None:
    """Nothing to verify."""
    assert not notice_is_authentic(parse_form(encode_form(NOTICE)), ALIPAY)


def test_one_signature_cannot_be_read_as_another_order() -> None:
    """The signed text joins raw values, so ``subject=Tea&total_amount=9`` is one field or two. The payer sees the
    signature in the return address and could move the border: such a form is refused, both ways round.
    """
    sign = signature(b"app_id=1&out_trade_no=T1&subject=Tea&total_amount=9&trade_status=TRADE_SUCCESS")
    status = {"trade_status": "TRADE_SUCCESS"}
    honest = {"app_id": "1", "out_trade_no": "T1", "subject": "Tea", "total_amount": "9", **status, "sign": sign}
    assert notice_is_authentic(parse_form(encode_form(honest)), ALIPAY)
    for merged in (
        {"app_id": "1", "out_trade_no": "T1", "subject": "Tea&total_amount=9", **status, "sign": sign},
        {"app_id": "1&out_trade_no=T1", "subject": "Tea", "total_amount": "9", **status, "sign": sign},
        {"app_id": "1", "out_trade_no": "T1", "subject": "Tea&total_amount=9&trade_status=TRADE_SUCCESS", "sign": sign},
    ):
        assert canonical(honest) == canonical(merged)
        assert not notice_is_authentic(parse_form(encode_form(merged)), ALIPAY)
        raw_equals = urlencode(merged, quote_via=quote, safe="=").encode()
        assert not notice_is_authentic(parse_form(raw_equals), ALIPAY)


HARMLESS: dict[str, dict[str, str]] = {
    "a field that decides nothing": {"subject": "Tea&time=3pm", "total_amount": "9"},
    "a name that would not be in order": {"subject": "Tea&app_id=2", "total_amount": "9"},
    "a name behind the next field": {"subject": "Tea&trade_no=2", "total_amount": "9"},
    "no equals sign": {"subject": "Tea&total_amount", "total_amount": "9"},
    "its own name": {"out_trade_no": "a&out_trade_no=b", "total_amount": "9"},
}


@pytest.mark.parametrize("params", HARMLESS.values(), ids=HARMLESS.keys())
def test_an_ampersand_that_cannot_mislead_is_let_through(params: dict[str, str]) -> None:
    """A shop may sell what it likes under any name."""
    assert notice_is_authentic(parse_form(signed_form(params, canonical(params))), ALIPAY)


@pytest.mark.parametrize("between", ["sign", "sign_type", "sold"], ids=["sign", "sign_type", "an empty field"])
def test_a_field_that_is_not_signed_does_not_hide_an_ambiguity(between: str) -> None:
    """What a rule leaves out of the signed text does not stand between two fields there."""
    params = {"sa": "x&status=1", between: "" if between == "sold" else "v", "subject": "y"}
    assert reads_two_ways(parse_form(encode_form(params)))


def test_a_form_of_nothing_but_a_signature_is_not_authentic() -> None:
    """Anybody can send one; it is refused like any other that Alipay did not sign."""
    form = parse_form(encode_form({"sign": "bm9uZQ==", "sign_type": "&sign=a"}))
    assert not notice_is_authentic(form, ALIPAY)


def test_a_form_shows_nothing_of_the_payer() -> None:
    """Its repr has no fields: notices carry names, accounts and e-mail addresses."""
    form = parse_form(encode_form({"buyer_logon_id": "tea@example.com"}))
    assert "Form(charset='utf-8')" == repr(form)  # noqa: SIM300 - expected on the left
    assert isinstance(form, Form)


def test_every_flipped_bit_of_a_notice_is_noticed_or_changes_nothing() -> None:
    """A changed notice is refused, or says exactly what it said before."""
    params = {"app_id": "1", "body": "", "sign_type": "RSA2", "subject": "茶+a b", "total_amount": "12.34"}
    body = signed_form(params, canonical(params, without=NEITHER))
    before = {name: value for name, value in parse_form(body).fields.items() if value}
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            form = parse_form(bytes(flipped))
        except MalformedForm:
            continue
        if notice_is_authentic(form, ALIPAY):
            said = {name: value for name, value in form.fields.items() if value}
            # Fields that no rule signs, and empty ones, may change: nothing reads them.
            assert before.keys() - {"sign_type"} <= said.keys()
            assert {name: before[name] for name in before if name not in NEITHER} == {
                name: value for name, value in said.items() if name in before and name not in NEITHER
            }


@pytest.mark.parametrize("filling", [b"%41", b"+", b"%", b"=", b"a=%26total_amount%3D", b"&a=1"], ids=repr)
def test_a_megabyte_of_anything_is_read_in_linear_time(filling: bytes) -> None:
    """No input of the largest size that is let in costs more than a fraction of a second."""
    started_s = time.process_time()
    with contextlib.suppress(MalformedForm):
        notice_is_authentic(parse_form(b"a=" + filling * (1_000_000 // len(filling))), ALIPAY)
    assert time.process_time() - started_s < 2.0
