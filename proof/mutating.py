"""Spoils a message: bytes, and the pieces that its form is made of, so that what comes out still looks like one.

The same dice give the same bytes on every machine.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of a message. ``whole``: one that can be left out or said twice, and the rest still is a message."""

    first: int
    last: int
    whole: bool = False


class Form(Enum):
    """How a message is built."""

    JSON = "json"
    FORM = "form"
    XML = "xml"
    HTTP = "http"
    TEXT = "text"


_NUMBERS = [
    b"0",
    b"-1",
    b"-0",
    b"1.5",
    b"1e999",
    b"-1E-400",
    b"NaN",
    b"Infinity",
    b"9" * 20,
    b"9" * 400,
    b"0x10",
    b"007",
]
_TEXTS = [
    b"",
    b"x",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe8\x8c\xb6",
    b"\xf0\x9f\x92\xb8",
    b"a" * 5000,
    b"0.01",
    b"1,234.56",
    b"-0.00",
    b" 12.34 ",
    b"\xd9\xa1\xd9\xa2",  # Arabic digits: they pass isdigit
    b"0000-00-00 00:00:00",
    b"9999-12-31T23:59:59Z",
    b"2026-02-30T25:61:61+99:99",
    b"0001-01-01T00:00:00+23:59",
    b"SUCCESS",
    b"null",
]
_JSON_WORDS = [
    *_NUMBERS,
    b"null",
    b"true",
    b"false",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\\/"',
    b"[" * 3000,
    b'{"a":' * 3000,
    b"[[[[1]]]]",
    b'{"a":{"b":[null]}}',
    *(b'"' + text + b'"' for text in _TEXTS if b"\0" not in text),
]
_XML_WORDS = [
    *_NUMBERS,
    *_TEXTS,
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    b"&b;",
    b"&#0;",
    b"&#x10FFFF;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<?a?>",
    b"<total_fee>",
    b"</xml>",
    b"<xml>",
    b"<a>" * 500,
]
_FORM_WORDS = [
    *_NUMBERS,
    *_TEXTS,
    b"%",
    b"%zz",
    b"%00",
    b"%E8%8C",
    b"+",
    b"&",
    b"=",
    b"&sign=",
    b"%26sign%3Da",
    b"{",
    b"}" * 50,
]
_HTTP_WORDS = [
    *_NUMBERS,
    *_TEXTS,
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"Content-Length: 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Connection: close\r\n",
    b"4\r\npaid\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"4;a=b\r\n",
]
_SPICES = [bytes([sign]) for sign in b'"\\{}[]<>,;:%&=+-|\0\xff\x81\r\n'] + [
    b"\\u0000",
    b"\\ud800",
    b"-----BEGIN A-----",
]
_WORDS = {
    Form.JSON: _JSON_WORDS,
    Form.FORM: _FORM_WORDS,
    Form.XML: _XML_WORDS,
    Form.HTTP: _HTTP_WORDS,
    Form.TEXT: [*_NUMBERS, *_TEXTS, b"-----END A-----", b"\n", b"= ", b"[a]"],
}
_TOKENS = {
    Form.JSON: re.compile(rb"\S+"),
    Form.FORM: re.compile(rb"[^&=]+"),
    Form.XML: re.compile(rb"<[^>]*>|[^<>]+"),
    Form.HTTP: re.compile(rb"[^\s:;]+"),
    Form.TEXT: re.compile(rb"[0-9A-Za-z_.+/-]+"),
}
_MEMBERS = {
    Form.FORM: re.compile(rb"[^&]+&?"),
    Form.XML: re.compile(rb"<(?!xml>)(\w+)>[^<]*(?:<!.*?)?</\1>", re.DOTALL),
    Form.HTTP: re.compile(rb"[^\r\n]*\r?\n"),
    Form.TEXT: re.compile(rb"[^\n]+\n?"),
}


class Spoiler:
    """Makes bad messages out of good ones of one form. ``words``: further texts to put in, such as a partner's own."""

    def __init__(self, samples: Sequence[bytes], form: Form, words: Sequence[bytes] = ()) -> None:
        self._samples = samples
        self._pieces = [tuple(_pieces(sample, form)) or (Piece(0, len(sample)),) for sample in samples]
        self._words = (*_WORDS[form], *words)
        self._alike = {kind: [word for word in self._words if _kind(word) == kind] for kind in range(len(_KINDS))}

    def spoilt(self, which: int, dice: random.Random) -> bytes:
        """A bad message made of sample number ``which``."""
        sample = self._samples[which]
        if dice.random() < 0.25:
            return scattered(sample, dice)
        data = self._rebuilt(which, dice)
        return scattered(data, dice) if dice.random() < 0.1 else data

    def _rebuilt(self, which: int, dice: random.Random) -> bytes:
        """One to three pieces changed, most often one; the last one first, so that the others stay where they are."""
        pieces, data = self._pieces[which], self._samples[which]
        chosen = {int(dice.random() * len(pieces)) for _ in range(1 + int(dice.random() ** 3 * 3))}
        end = len(data)
        for piece in sorted([pieces[number] for number in chosen], reverse=True):
            if piece.last <= end:  # else it lies around one that was changed already
                data = data[: piece.first] + self._changed(which, piece, dice) + data[piece.last :]
                end = piece.first
        return data

    def _changed(self, which: int, piece: Piece, dice: random.Random) -> bytes:
        """A piece dropped or doubled (a whole member), or replaced by a word or by another piece, or wrapped."""
        text = self._samples[which][piece.first : piece.last]
        turn = int(dice.random() * 8)
        if piece.whole and turn < 6:
            return b"" if turn < 3 else text + text
        match turn:
            case 0 | 1:
                away = which if turn else int(dice.random() * len(self._samples))
                others = self._pieces[away]
                other = others[int(dice.random() * len(others))]
                return self._samples[away][other.first : other.last]
            case 2:
                return b"[" + text + b"]"
            case 3 | 4 | 5:
                return dice.choice(self._alike[_kind(text)] or self._words)
            case _:
                return dice.choice(self._words)


_KINDS = (
    re.compile(rb'"[^\xff\\]*"'),
    re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?"),
    re.compile(rb"[\[{].*", re.DOTALL),
)
"""Texts, numbers, and what is made of them: a piece is often replaced by one of its own kind."""


def _kind(text: bytes) -> int:
    return next((kind for kind, form in enumerate(_KINDS[:-1]) if form.fullmatch(text)), len(_KINDS) - 1)


def scattered(sample: bytes, dice: random.Random) -> bytes:
    """``sample`` with one to four changes: a byte replaced, cut, doubled, spiced, a slice dropped or repeated."""
    data = bytearray(sample)
    for _ in range(1 + int(dice.random() * 4)):
        at = int(dice.random() * (len(data) + 1))
        match int(dice.random() * 7):
            case 0:
                data[at : at + 1] = bytes([int(dice.random() * 256)])
            case 1:
                data[at : at + 1] = dice.choice(_SPICES)
            case 2:
                data[at:at] = dice.choice(_SPICES) * (1 + int(dice.random() * 8))
            case 3:
                del data[at : at + 1 + int(dice.random() * 40)]
            case 4:
                data[at:at] = data[at : at + 1 + int(dice.random() * 200)]
            case 5 if at < len(data):
                data[at] ^= 1 << int(dice.random() * 8)
            case _:
                del data[at:]
    return bytes(data)


def _pieces(sample: bytes, form: Form) -> Iterator[Piece]:
    """Where the pieces of a message lie."""
    if form is Form.JSON:
        try:
            yield from list(_json_pieces(sample.decode("latin-1")))
        except (ValueError, IndexError):
            form = Form.TEXT  # an error page among answers in JSON
        else:
            return
    for found in _TOKENS[form].finditer(sample):
        yield Piece(*found.span())
    if form in _MEMBERS:
        for found in _MEMBERS[form].finditer(sample):
            yield Piece(*found.span(), whole=True)


def _json_pieces(text: str) -> Iterator[Piece]:
    """Every value, every name, and every member of an object or array with the comma before or after it."""
    end_of: Callable[[str, int], tuple[object, int]] = json.JSONDecoder(strict=False).raw_decode

    def inside(first: int) -> Iterator[Piece]:
        yield Piece(first, end_of(text, first)[1])
        if text[first] not in "[{":
            return
        at, comma = _skip(text, first + 1), -1
        while text[at] not in "]}":
            member = at
            if text[first] == "{":
                name_end = end_of(text, at)[1]
                yield Piece(at, name_end)
                at = _skip(text, name_end, ":")
            yield from inside(at)
            end = end_of(text, at)[1]
            at = _skip(text, end, ",")
            last = text[at] in "]}"
            yield Piece(comma if last and comma >= 0 else member, end if last else at, whole=True)
            comma = end

    yield from inside(_skip(text, 0))


def _skip(text: str, at: int, also: str = "") -> int:
    while text[at] in " \t\r\n" + also:
        at += 1
    return at
