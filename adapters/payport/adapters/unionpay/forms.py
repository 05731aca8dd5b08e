"""The two spellings of a message: percent-encoded in requests and notices, plain in replies.

Sources: UnionPay's own demo (ACPSample_B2C).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote_to_bytes

MAX_FIELDS = 256
"""More fields than this are no message; the richest known one has about 40."""

_CODECS = {"utf-8": "utf-8", "gbk": "gb18030"}
_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PRINTABLE = bytes(range(0x21, 0x7F))
_NAME = re.compile(r"[0-9A-Za-z_.]{1,64}")
_CLOSING = {"{": "}", "[": "]"}
_MARKS = re.compile(r"[{}\[\]&]")


class MalformedMessage(ValueError):
    """The bytes are not a message, or one that could be read in two ways."""


def codec_of(encoding: str) -> str | None:
    """Python's codec for UnionPay's ``encoding``, ``None`` for an unknown one. GBK is read by its superset."""
    return _CODECS.get(encoding.lower())


def encode_form(fields: Mapping[str, str], encoding: str) -> bytes:
    """A request's body: every value percent-encoded with upper-case digits, in the given encoding. Order is kept.

    Raises ``UnicodeEncodeError`` when the encoding cannot carry a character.
    """
    return "&".join(f"{name}={quote(value, safe='', encoding=encoding)}" for name, value in fields.items()).encode()


def encode_for_file_host(fields: Mapping[str, str], encoding: str) -> bytes:
    """The same for the file host, which takes every field plain but the signature."""
    parts = (f"{name}={quote(value, safe='') if name == 'signature' else value}" for name, value in fields.items())
    return "&".join(parts).encode(encoding)


def parse_notice(body: bytes, query: str = "") -> dict[str, str]:
    """A notice as UnionPay posted it, decoded exactly once. Empty fields are left out, as they are when it signs.

    ``query``: the query string of the address it was posted to. Frameworks merge those parameters into the form; they
    are the merchant's own and were never signed, so they are taken out again.
    Raises :class:`MalformedMessage`, and nothing else.
    """
    if body.translate(None, _PRINTABLE):
        raise MalformedMessage("raw blank, control or non-ASCII byte")
    if _STRAY_PERCENT.search(body):
        raise MalformedMessage("a % that escapes nothing")
    raw: dict[str, bytes] = {}
    pairs = body.split(b"&")
    if len(pairs) > MAX_FIELDS:
        raise MalformedMessage(f"more than {MAX_FIELDS} fields")
    for pair in pairs:
        name, mark, value = pair.partition(b"=")
        # a blank is a plus here, and a plus in the certificate comes as %2B
        _add(raw, _decoded_name(name), unquote_to_bytes(value.replace(b"+", b" ")), mark)
    codec = codec_of(raw.get("encoding", b"UTF-8").decode("latin-1"))
    if codec is None:
        raise MalformedMessage("unknown encoding")
    own = set(parse_qsl(query, keep_blank_values=True, encoding=codec, errors="replace"))
    try:
        fields = {name: value.decode(codec) for name, value in raw.items() if value}
    except UnicodeDecodeError:
        raise MalformedMessage("bytes that are not in the encoding") from None
    return {name: value for name, value in fields.items() if (name, value) not in own}


def parse_reply(body: bytes, encoding: str) -> dict[str, str]:
    """A reply as UnionPay writes it: ``name=value&name=value``, nothing percent-encoded.

    A name ends at its first ``=``. A value ends at ``&``, but not between a ``{`` or ``[`` and the bracket that closes
    it. Braces around the whole are taken off. Raises :class:`MalformedMessage`, and nothing else.
    """
    codec = codec_of(encoding)
    if codec is None:
        raise MalformedMessage("unknown encoding")
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        raise MalformedMessage("bytes that are not in the encoding") from None
    return parse_text(text)


def parse_text(text: str) -> dict[str, str]:
    """The fields of a decoded reply. Raises :class:`MalformedMessage`."""
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    fields: dict[str, str] = {}
    start = 0
    while start <= len(text):
        end = _value_end(text, start)
        name, mark, value = text[start:end].partition("=")
        _add(fields, name, value, mark)
        if len(fields) > MAX_FIELDS:
            raise MalformedMessage(f"more than {MAX_FIELDS} fields")
        start = end + 1
    return fields


def parse_group(text: str) -> dict[str, str]:
    """The inside of ``{name=value&name=value}``. Raises :class:`MalformedMessage`."""
    if not (text.startswith("{") and text.endswith("}")):
        raise MalformedMessage("not a group in braces")
    return parse_text(text)


def write_group(fields: Mapping[str, str]) -> str:
    """``{name=value&name=value}``, as ``reserved``, ``riskRateInfo``, ``tokenPayData`` and ``customerInfo`` are."""
    return "{" + "&".join(f"{name}={value}" for name, value in fields.items()) + "}"


def plain_text(text: str) -> str:
    """A text that can stand in a group: the characters that structure one become blanks."""
    return re.sub(r"[&={}\[\]\s]+", " ", text).strip()


def _value_end(text: str, start: int) -> int:
    opened, depth = "", 0
    for mark in _MARKS.finditer(text, start):
        character = mark[0]
        if not opened:
            if character == "&":
                return mark.start()
            if character in _CLOSING:
                opened, depth = character, 1
        elif character == opened:
            depth += 1
        elif character == _CLOSING[opened]:
            depth -= 1
            opened = opened if depth else ""
    if opened:
        raise MalformedMessage("a bracket that is never closed")
    return len(text)


def _decoded_name(name: bytes) -> str:
    return unquote_to_bytes(name).decode("latin-1")


def _add(fields: dict[str, str] | dict[str, bytes], name: str, value: str | bytes, mark: str | bytes) -> None:
    if not mark:
        raise MalformedMessage("a field without =")
    if not _NAME.fullmatch(name):
        raise MalformedMessage("a blank or odd name")
    if name in fields:
        raise MalformedMessage("a name stands twice")
    fields[name] = value  # type: ignore[assignment]  # one dict holds texts or bytes, never both
