"""Alipay's signatures: what is signed in a request, where the signed bytes of a reply stand, and who signed them.

Pure functions over bytes. A reply is an envelope ``{"<method>_response": NODE, "alipay_cert_sn": "..", "sign": ".."}``
and the signature covers NODE exactly as it was sent, so NODE is cut out by position and never written anew. The
scanner reads the top level only: what a customer typed into a text cannot pose as the node, and nothing inside is
decoded before the signature was checked.

Source: open.alipay.com, "signature" and "verification" for ``gateway.do`` with ``sign_type=RSA2``.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from payport.sdk.strict_json import parse_object

if TYPE_CHECKING:
    from payport.sdk.keys import PublicKey


class MalformedReply(ValueError):
    """The bytes are not a reply of this partner. Nothing of them can be believed."""


_SIGN_ONLY = frozenset({"sign"})
_DECODERS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
_ENCODERS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk"}


def decoder(charset: str) -> str | None:
    """The codec that reads what the partner calls ``charset``; ``None`` for one that it does not have.

    GBK is read as its superset GB18030, because the partner's own encoder writes that.
    """
    return _DECODERS.get(charset.lower())


def encoder(charset: str) -> str:
    """The codec that writes ``charset`` (``utf-8`` or ``gbk``, any case). Raises ``LookupError`` for others."""
    codec = _ENCODERS.get(charset.lower())
    if codec is None:
        raise LookupError(f"charset {charset!r}: this partner takes utf-8 or gbk")
    return codec


def canonical(params: Mapping[str, str], charset: str = "utf-8", *, without: frozenset[str] = _SIGN_ONLY) -> bytes:
    """The bytes that are signed: ``name=value`` joined by ``&``, sorted by name, values raw, empty ones left out.

    Raises ``LookupError`` for an unknown charset and ``UnicodeEncodeError`` when a text has a character that the
    charset cannot carry. Names are ASCII on this wire, so sorting text sorts bytes.
    """
    kept = sorted([pair for pair in params.items() if pair[1] and pair[0] not in without])
    return "&".join([f"{name}={value}" for name, value in kept]).encode(encoder(charset))


def verify(keys: Sequence[PublicKey], message: bytes, signature_base64: str) -> bool:
    """Whether one of ``keys`` signed ``message`` with SHA256withRSA. Strict base64: one spelling. Never raises."""
    try:
        signature = binascii.a2b_base64(signature_base64, strict_mode=True)
    except ValueError:
        return False
    if len(keys) == 1:  # nearly always
        return keys[0].verify(message, signature)
    return any(key.verify(message, signature) for key in keys)


@dataclass(frozen=True, slots=True)
class SignedReply:
    """A reply taken apart, nothing of it verified or decoded.

    ``node_name``: ``<method>_response`` or ``error_response``. ``node``: the signed bytes, braces or quotes included.
    ``sign``: base64, ``None`` when missing or empty (usual for refusals at the gateway). ``cert_sn``: in certificate
    mode, the number of the certificate to verify with. ``charset``: what ``node`` is really written in.
    """

    node_name: str
    node: bytes = field(repr=False)
    sign: str | None = field(repr=False)
    cert_sn: str | None
    charset: str = "utf-8"

    @property
    def is_encrypted(self) -> bool:
        """Whether the node is a text of base64 instead of an object."""
        return self.node.startswith(b'"')

    @property
    def ciphertext(self) -> str:
        """The base64 of an encrypted node. Raises :class:`MalformedReply` when the node is an object."""
        if not self.is_encrypted:
            raise MalformedReply("the node is not encrypted")
        return _text(self.node)


_BLANK = rb"[ \t\r\n]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_OPEN = re.compile(rb"(?:\xef\xbb\xbf)?" + _BLANK + rb"\{" + _BLANK)
_NAME = re.compile(rb'"([^"\\]{1,200})"' + _BLANK + rb":" + _BLANK)
_WHOLE_STRING = re.compile(_STRING, re.DOTALL)
_WORD = re.compile(rb"-?[0-9][-+.0-9eE]*+|true|false|null")
# Everything up to the next bracket that is not inside a text.
_RUN = re.compile(rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+', re.DOTALL)
_NEXT = re.compile(_BLANK + rb"(?:(,)" + _BLANK + rb"|\}" + _BLANK + rb"\Z)")
# The usual reply, whole: one node of plain texts and its signature. Any other shape is taken apart piece by piece.
_PLAIN_TEXT = rb'"[^"\\{}\[\]]*+"'
_USUAL = re.compile(
    rb'\{"([a-z_]{1,200})":(\{[^"\\{}\[\]]*+(?:' + _PLAIN_TEXT + rb'[^"\\{}\[\]]*+)*+\}),"sign":"([0-9A-Za-z+/=]*+)"\}'
)
# Second bytes of GBK can be a backslash, brace or bracket. A lead byte before a quote is no character: left to fail.
_GBK_CHARACTER = re.compile(rb"[\x81-\xfe][\x30-\x39\x40-\x7e\x80-\xfe]")
_MASK = b"\xff\xff"
_CERT_SN = re.compile(r"[0-9A-Za-z_]{1,130}")
_CLOSING = {0x7B: 0x7D, 0x5B: 0x5D}
_MAX_DEPTH = 64


def split_reply(body: bytes, method: str, charset: str = "utf-8") -> SignedReply:
    """Find the signed bytes, the signature and the certificate number in a reply to ``method``.

    ``charset``: what was asked for; a body that is not written in it is read as the other one, since faults of the
    platform come in GBK even when UTF-8 was asked. Linear in the length of ``body``; the caller caps that.
    Raises :class:`MalformedReply`, and nothing else.
    """
    found, codec = _charset_of(body, charset)
    name = method.replace(".", "_") + "_response"
    usual = _USUAL.fullmatch(body) if found == "utf-8" else None
    if usual is not None and usual[1].decode("ascii") == name:
        return SignedReply(name, usual[2], usual[3].decode("ascii") or None, None, codec)
    # Same length, same positions: only the shape is read from ``shape``, every slice is taken from ``body``.
    shape = body if found == "utf-8" else _GBK_CHARACTER.sub(_MASK, body)
    spans = _top_level(shape)
    span, error = spans.get(name.encode()), spans.get(b"error_response")
    if (span is None) == (error is None):
        raise MalformedReply("no node for this method, or two")
    start, end = span or error or (0, 0)
    if body[start] not in b'{"':
        raise MalformedReply("the node is neither an object nor an encrypted text")
    sign = _optional_text(body, spans.get(b"sign"))
    cert_sn = _optional_text(body, spans.get(b"alipay_cert_sn"))
    if cert_sn is not None and not _CERT_SN.fullmatch(cert_sn):
        raise MalformedReply("the certificate number is not one")
    return SignedReply(name if span else "error_response", body[start:end], sign, cert_sn, codec)


def reply_is_authentic(reply: SignedReply, keys: Sequence[PublicKey]) -> bool:
    r"""Whether one of ``keys`` signed the node. An unsigned reply is not authentic.

    When the node as received does not verify and holds ``\/``, it is tried once with ``/`` instead: some of the
    partner's systems sign before their serialiser escapes the slash. Both spellings are the same JSON, so the fallback
    cannot change what is read.
    """
    if reply.sign is None:
        return False
    if verify(keys, reply.node, reply.sign):
        return True
    return b"\\/" in reply.node and verify(keys, reply.node.replace(b"\\/", b"/"), reply.sign)


def strict_json(node: bytes, charset: str = "utf-8") -> dict[str, object]:
    """Decode a verified (and decrypted) node. Raises :class:`MalformedReply`, and nothing else.

    Read as :mod:`payport.sdk.strict_json` says, and an object; money is text on this wire.
    """
    codec = decoder(charset)
    if codec is None:
        raise MalformedReply("unknown charset")
    try:
        return parse_object(node.decode(codec))
    except ValueError as error:
        raise MalformedReply(f"not strict JSON: {type(error).__name__}") from None


def _charset_of(body: bytes, asked: str) -> tuple[str, str]:
    """The codec that reads the whole body, and the partner's name for it."""
    first = decoder(asked)
    if first is None:
        raise MalformedReply("unknown charset")
    if body.isascii():
        return "utf-8", asked.lower()
    for codec in (first, "gb18030" if first == "utf-8" else "utf-8"):
        try:
            body.decode(codec)
        except UnicodeDecodeError:
            continue
        return codec, "utf-8" if codec == "utf-8" else "gbk"
    raise MalformedReply("neither UTF-8 nor GBK")


def _top_level(shape: bytes) -> dict[bytes, tuple[int, int]]:
    """Where the value of each name of the outermost object begins and ends."""
    spans: dict[bytes, tuple[int, int]] = {}
    opened = _OPEN.match(shape)
    at = opened.end() if opened else 0
    while name := _NAME.match(shape, at):
        if name[1] in spans:
            raise MalformedReply("a name stands twice")
        end = _value_end(shape, name.end())
        spans[name[1]] = (name.end(), end)
        follows = _NEXT.match(shape, end)
        if follows is None:
            break
        if follows[1] is None:
            return spans
        at = follows.end()
    raise MalformedReply("not an object of names and values")


def _value_end(shape: bytes, start: int) -> int:
    """The position after the value that begins at ``start``."""
    if shape[start : start + 1] in {b"{", b"["}:
        return _bracket_end(shape, start)
    found = _WHOLE_STRING.match(shape, start) or _WORD.match(shape, start)
    if found is None:
        raise MalformedReply("a value is missing or does not end")
    return found.end()


def _bracket_end(shape: bytes, start: int) -> int:
    """The position after the bracket that closes the one at ``start``."""
    awaited = [_CLOSING[shape[start]]]
    at = start + 1
    while awaited:
        at = cast("re.Match[bytes]", _RUN.match(shape, at)).end()  # it matches the empty run
        bracket = shape[at] if at < len(shape) else 0
        if bracket in _CLOSING and len(awaited) < _MAX_DEPTH:
            awaited.append(_CLOSING[bracket])
        elif bracket != awaited.pop():
            raise MalformedReply("brackets do not match, or a text does not end")
        at += 1
    return at


def _optional_text(body: bytes, span: tuple[int, int] | None) -> str | None:
    """The text at ``span``; ``None`` when there is none, or an empty one."""
    if span is None or body[span[0] : span[1]] == b"null":
        return None
    return _text(body[span[0] : span[1]]) or None


def _text(token: bytes) -> str:
    r"""The text that a JSON string of ASCII stands for; base64 may come with ``\/``."""
    if not (token.startswith(b'"') and token.isascii()):
        raise MalformedReply("a text was expected")
    if b"\\" not in token:
        return token[1:-1].decode("ascii")
    try:
        return str(json.loads(token))
    except ValueError:
        raise MalformedReply("a text has a wrong escape") from None
