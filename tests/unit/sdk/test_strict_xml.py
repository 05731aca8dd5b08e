"""Flat XML of partners has one meaning or none, and no way to make its reader open a file, a socket, or grow."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.strict_xml import MAX_FIELDS, MalformedXml, is_unsayable, parse_flat, write_flat


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, b"<xml/>"),
        ({"a": "1"}, b"<xml><a>1</a></xml>"),
        ({"a": "1", "b": ""}, b'<?xml version="1.0" encoding="UTF-8"?>\n<xml>\n <a>1</a>\r\n\t<b/></xml>\n'),
        ({"a": "<1>&"}, b"<xml><a><![CDATA[<1>&]]></a></xml>"),
        ({"a": "x1 y]]>z"}, b"<xml><a>x<![CDATA[1 y]]]]><![CDATA[>z]]></a></xml>"),
        ({"a": "<&>\"'A"}, b"<xml><a>&lt;&amp;&gt;&quot;&apos;&#65;</a></xml>"),
        ({"a": " 1 "}, b"<xml><a> 1 </a></xml>"),
        ({"a": "\u8336"}, "<xml><a>\u8336</a></xml>".encode()),
        ({"a": "\u8336"}, b"<xml><a>&#x8336;</a></xml>"),
        ({"a": "1"}, b"\xef\xbb\xbf<xml><a>1</a></xml>"),
    ],
)
def test_what_is_flat_is_read(fields: dict[str, str], text: bytes) -> None:
    """Text, CDATA and predefined references are one text, as it stands. Amounts come plain, names in CDATA."""
    assert parse_flat(text, root="xml") == fields


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]>
<xml><a>&e;</a></xml>"""


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("a document type", BOMB),
        ("a document type", b'<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><a>&f;</a></xml>'),
        ("a document type", b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>'),
        ("a document type", b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]><xml/>'),
        ("a document type", b"<!DOCTYPE xml><xml><a>1</a></xml>"),
        ("not well-formed", b"<xml><a>&unheard;</a></xml>"),
        ("a comment", b"<xml><total_fee>1<!-- -->00</total_fee></xml>"),
        ("a processing instruction", b"<xml><a>1<?php ?></a></xml>"),
        ("an attribute", b'<xml><a b="1">1</a></xml>'),
        ("an attribute", b'<xml xmlns="urn:x"><a>1</a></xml>'),
        ("a field stands twice", b"<xml><total_fee>1</total_fee><total_fee>100</total_fee></xml>"),
        ("inside of a field", b"<xml><a><b>1</b></a></xml>"),
        ("inside of a field", b"<xml>" + b"<a>" * 50_000),
        ("between the fields", b"<xml>1<a>1</a></xml>"),
        ("its root is not <xml>", b"<root><a>1</a></root>"),
        ("no plain name", b"<xml><x:a>1</x:a></xml>"),
        ("no plain name", "<xml><\u8336>1</\u8336></xml>".encode()),
        ("another encoding", '<?xml version="1.0" encoding="GBK"?><xml><a>\u8336</a></xml>'.encode()),
        ("not well-formed XML in UTF-8", "<xml><a>\u8336</a></xml>".encode("gbk")),
        ("not well-formed XML in UTF-8", "<xml><a>1</a></xml>".encode("utf-16")),
        ("not well-formed", b""),
        ("its root", b"<html><br></html>"),
        ("not well-formed", b"<xml><a>1</a></xml><xml/>"),
        ("not well-formed", b"<xml><a>1</xml>"),
        ("not well-formed", b"<xml><a>\x00</a></xml>"),
        ("longer than", b"<xml><a>" + b"1" * 300_000 + b"</a></xml>"),
        ("fields", b"<xml>" + b"".join(b"<a%d/>" % n for n in range(MAX_FIELDS + 1)) + b"</xml>"),
    ],
)
def test_what_could_mean_two_things_is_refused(why: str, text: bytes) -> None:
    """And what could reach out or grow. The refusal says what kind of thing stood there, and none of its words."""
    started_s = time.thread_time()
    with pytest.raises(MalformedXml, match=why) as refused:
        parse_flat(text, root="xml")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert time.thread_time() - started_s < 0.25
    for quoted in ("hostname", "unheard", "127.0.0.1", "100"):
        assert quoted not in str(refused.value)


def test_a_bomb_is_refused_at_its_first_word() -> None:
    """Before any entity in it is declared: what follows the document type is not even looked at."""
    with pytest.raises(MalformedXml, match="a document type"):
        parse_flat(b"<!DOCTYPE xml [<!ENTITY a 'x'> this is not even XML", root="xml")


def test_a_shorter_limit_may_be_set() -> None:
    """In bytes."""
    assert parse_flat(b"<xml/>", root="xml", max_bytes=6) == {}
    with pytest.raises(MalformedXml, match="longer than 5 bytes"):
        parse_flat(b"<xml/>", root="xml", max_bytes=5)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][0-9A-Za-z_.-]{0,9}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\r")).filter(lambda text: not is_unsayable(text)),
    )
)
def test_what_is_written_is_read(fields: dict[str, str]) -> None:
    """Every name and every text that XML can carry; only a carriage return becomes a line end, as XML demands."""
    assert parse_flat(write_flat(fields, root="xml"), root="xml") == fields


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_not_written(text: str) -> None:
    """Neither as it stands nor as a reference."""
    assert is_unsayable(text)
    with pytest.raises(ValueError, match="a holds a character"):
        write_flat({"a": text}, root="xml")


@pytest.mark.parametrize("name", ["", "1a", "a b", "a>", "a:b", "\u8336"])
def test_what_is_no_name_is_not_written(name: str) -> None:
    """A name from outside cannot open an element of its own."""
    with pytest.raises(ValueError, match="no name in XML"):
        write_flat({name: "1"}, root="xml")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """By the one declared error."""
    with contextlib.suppress(MalformedXml):
        parse_flat(data, root="xml")
