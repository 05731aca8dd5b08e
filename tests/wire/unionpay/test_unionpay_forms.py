"""Requests and notices are percent-encoded, replies are not: each is written and read in its own way."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.unionpay.stage import form, leaf, on_the_wire, paid, reply, signed

from payport.adapters.unionpay.forms import (
    MAX_FIELDS,
    MalformedMessage,
    encode_for_file_host,
    encode_form,
    parse_group,
    parse_notice,
    parse_reply,
    plain_text,
    write_group,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text("abcdefghijXYZ", min_size=1, max_size=6)


@given(st.dictionaries(NAMES, TEXTS.filter(bool), min_size=1, max_size=6))
def test_what_is_encoded_is_decoded_once(fields: dict[str, str]) -> None:
    """A law, plus signs, percent signs and line ends included."""
    assert parse_notice(encode_form(fields, "UTF-8")) == fields


def test_escapes_are_in_upper_case_and_leave_nothing_to_guess() -> None:
    """A blank is %20, a plus %2B."""
    assert encode_form({"a": "x y+z/茶"}, "UTF-8") == b"a=x%20y%2Bz%2F%E8%8C%B6"
    assert encode_form({"a": "茶"}, "GBK") == b"a=%B2%E8"


def test_the_file_host_takes_everything_plain_but_the_signature() -> None:
    """It is another implementation: encoded fields end in HTTP 500."""
    body = encode_for_file_host({"fileType": "00", "backUrl": "https://a/b", "signature": "a+b/c="}, "UTF-8")
    assert body == b"fileType=00&backUrl=https://a/b&signature=a%2Bb%2Fc%3D"


def test_the_line_ends_of_the_certificate_are_kept() -> None:
    """Turning CRLF into LF breaks the signature, so nothing here touches them."""
    text = on_the_wire(leaf())
    assert "\r\n" in text
    assert parse_notice(form(signed(paid())))["signPubKeyCert"] == text
    assert parse_reply(reply(signed(paid())), "UTF-8")["signPubKeyCert"] == text


def test_a_plus_in_a_reply_is_a_plus() -> None:
    """A URL decoder would make blanks of the signature and the certificate, and no reply would ever verify."""
    body = b"respCode=00&signature=ab+c/d==&respMsg=100%25"
    fields = parse_reply(body, "UTF-8")
    assert fields == {"respCode": "00", "signature": "ab+c/d==", "respMsg": "100%25"}
    assert dict(parse_qsl(body.decode()))["signature"] == "ab c/d=="


REPLIES = {
    "a group with & inside": ("a=1&r={x=1&y=2}&b=2", {"a": "1", "r": "{x=1&y=2}", "b": "2"}),
    "a list": ("a=[p=1&q=2]&b=", {"a": "[p=1&q=2]", "b": ""}),
    "brackets inside a text": ("respMsg=成功[0000000]&x=1", {"respMsg": "成功[0000000]", "x": "1"}),
    "a group in a group": ("a={b={c=1&d=2}&e=3}&f=4", {"a": "{b={c=1&d=2}&e=3}", "f": "4"}),
    "another kind of bracket inside": ("a={b=]&c=1}&d=2", {"a": "{b=]&c=1}", "d": "2"}),
    "braces around the whole": ("{respCode=00&respMsg=ok}", {"respCode": "00", "respMsg": "ok"}),
    "an equals sign in a value": ("a==b=&c=d", {"a": "=b=", "c": "d"}),
}


@pytest.mark.parametrize(("text", "fields"), REPLIES.values(), ids=REPLIES)
def test_replies_are_read_by_a_small_state_machine(text: str, fields: dict[str, str]) -> None:
    """A value ends at ``&``, but not between a bracket and the one that closes it."""
    assert parse_reply(text.encode(), "UTF-8") == fields


@pytest.mark.parametrize(
    "body",
    [b"", b"a", b"=1", b"a=1&a=2", b"a={x=1", b"a=1&", b"a=\xff", b"<html>", b"a b=1", "茶=1".encode()],
)
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    """One declared error, and nothing else."""
    with pytest.raises(MalformedMessage):
        parse_reply(body, "UTF-8")


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a", b"=1", b"a=%", b"a=%G1", b"a=1 2", b"a=\xe8", b"a=%FF", b"%00=1"])
def test_what_is_no_notice_is_refused(body: bytes) -> None:
    """Raw bytes that no browser and no UnionPay would post."""
    with pytest.raises(MalformedMessage):
        parse_notice(body)


@pytest.mark.parametrize("read", [parse_notice, lambda body: parse_reply(body, "UTF-8")])
def test_too_many_fields_are_no_message(read: object) -> None:
    """The richest known one has about 40."""
    body = b"&".join(b"a%d=1" % number for number in range(MAX_FIELDS + 1))
    with pytest.raises(MalformedMessage):
        read(body)  # type: ignore[operator]  # either decoder


def test_a_notice_in_gbk_says_so() -> None:
    """``encoding`` tells which bytes were signed."""
    fields = paid(encoding="GBK", respMsg="成功")
    assert parse_notice(form(fields, "gbk")) == fields
    assert parse_reply(reply(fields, "gbk"), "GBK") == fields
    for encoding in ("KOI8-R", ""):
        with pytest.raises(MalformedMessage):
            parse_reply(b"a=1", encoding)
    with pytest.raises(MalformedMessage):
        parse_notice(b"a=1&encoding=KOI8-R")


def test_empty_fields_of_a_notice_are_left_out() -> None:
    """They are not signed."""
    assert parse_notice(b"a=1&b=&encoding=UTF-8") == {"a": "1", "encoding": "UTF-8"}


def test_own_parameters_of_the_address_are_taken_out() -> None:
    """Frameworks merge them into the form; only the very pair that stood in the address goes."""
    assert parse_notice(b"a=1&shop=7&encoding=UTF-8", "shop=7&page=2") == {"a": "1", "encoding": "UTF-8"}
    assert parse_notice(b"a=1&shop=8", "shop=7") == {"a": "1", "shop": "8"}


def test_groups_are_written_and_read() -> None:
    """``{name=value&name=value}``; a text inside is freed of what structures a message."""
    assert write_group({"a": "1", "b": "2"}) == "{a=1&b=2}"
    assert parse_group("{a=1&b={c=2}}") == {"a": "1", "b": "{c=2}"}
    assert plain_text(" A & B = {C}\n[D] ") == "A B C D"
    with pytest.raises(MalformedMessage):
        parse_group("a=1")
