"""Alipay's forms: the body of a request, and the notices and return addresses that come back.

``application/x-www-form-urlencoded`` (WHATWG URL standard, section 5) in UTF-8 or GBK. A notice is decoded once, to
bytes, and verified over those bytes; text is made of them only for reading.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.adapters.alipay.signing import decoder, encoder, verify

if TYPE_CHECKING:
    from payport.sdk.keys import PublicKey

MAX_PAIRS = 256
"""More fields than this are no notice; the richest known one has about 40."""


class MalformedForm(ValueError):
    """The bytes are not a form, or one that could be read in two ways."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form, decoded once.

    ``fields``: as text, in the order received. ``pairs``: the bytes that a signature covers, sorted by name; each is a
    name, the byte 2, and a value whose own ``=`` are written as the byte 2 as well.
    """

    fields: Mapping[str, str] = field(repr=False)
    pairs: tuple[bytes, ...] = field(repr=False)
    charset: str = "utf-8"

    def get(self, name: str) -> str | None:
        """A field's text; ``None`` when it is missing or empty."""
        return self.fields.get(name) or None


# Two control characters, refused in texts, stand for "&" and "=" while one pass in C decodes the whole body: with "%XX"
# written "=XX" it is quoted-printable (RFC 2045), which binascii reads. Both sort before every character of a name, so
# sorting pairs sorts names.
_AND, _IS = b"\x01", b"\x02"
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"&=+%", _AND + _IS + b" =")
_AS_FORM = bytes.maketrans(_AND + _IS, b"&=")
_PRINTABLE = bytes(range(0x21, 0x7F))
_NAMES = re.compile(r"[0-9A-Za-z_.\[\]-]+")


def parse_form(body: bytes) -> Form:
    """Read a form. ``+`` is a blank, ``%XX`` a byte; the field ``charset`` says what the bytes mean (else UTF-8).

    Refused: a name twice, a blank or odd name, a name without ``=``, a ``%`` that escapes nothing, raw bytes outside
    printable ASCII, bytes that are not in the charset, more than 256 fields. Raises :class:`MalformedForm`, and nothing
    else.
    """
    count = body.count(b"&") + 1
    if count > MAX_PAIRS:
        raise MalformedForm(f"more than {MAX_PAIRS} fields")
    if body.translate(None, _PRINTABLE):
        raise MalformedForm("raw blank, control or non-ASCII byte")
    decoded = binascii.a2b_qp(body.translate(_AS_QUOTED_PRINTABLE))
    if len(decoded) != len(body) - 2 * body.count(b"%"):
        raise MalformedForm("a % that escapes nothing")
    if decoded.count(_AND) != count - 1 or decoded.count(_IS) != body.count(b"="):
        raise MalformedForm("a control character in a text")
    pairs = sorted(decoded.split(_AND))
    codec, charset = _charset_of(pairs)
    return Form(_fields(decoded, codec, count), tuple(pairs), charset)


def encode_form(params: Mapping[str, str], charset: str = "utf-8") -> bytes:
    """Write a form (or a query, or an app's order string): everything but ``A-Z a-z 0-9 - . _ ~`` as ``%XX``.

    A blank is ``%20``, which means the same in a body, in a query and to the app's SDK. Order is kept. Raises
    ``LookupError`` for an unknown charset, ``UnicodeEncodeError`` when the charset cannot carry a character.
    """
    codec = encoder(charset)
    # all at once, with the two control characters of parse_form in place of "&" and "="
    raw = "\x01".join([f"{name}\x02{value}" for name, value in params.items()]).encode(codec)
    if raw.count(_AND) == len(params) - 1 and raw.count(_IS) == len(params):
        return _escape(raw, _PLAIN).translate(_AS_FORM)
    pairs = [(name.encode(codec), value.encode(codec)) for name, value in params.items()]
    return b"&".join([_escape(name, _UNRESERVED) + b"=" + _escape(value, _UNRESERVED) for name, value in pairs])


def notice_is_authentic(form: Form, keys: Sequence[PublicKey]) -> bool:
    """Whether one of ``keys`` signed the notice or return address. Never raises.

    Rule V1 leaves ``sign`` and ``sign_type`` out of the signed text, rule V2 (messages of the application gateway,
    which carry ``msg_method``) leaves out ``sign`` only. The partner's own papers disagree on fields that are present
    but empty: they are first kept, then dropped. Nothing else is ever varied.

    The signed text joins raw values, so one signature fits two forms when a text holds ``&total_amount=...``. Such a
    form is refused although its signature fits: nobody can tell which of the two the partner meant.
    """
    if reads_two_ways(form):
        return False
    both = _without(form.pairs, _SIGN)
    v1 = _without(both, _SIGN_TYPE)
    for rule in [both] if "msg_method" in form.fields or v1 is both else [v1, both]:
        if verify(keys, _joined(rule), form.fields.get("sign", "")):
            return True
        filled = [pair for pair in rule if not _is_empty(pair)]
        if len(filled) < len(rule) and verify(keys, _joined(filled), form.fields.get("sign", "")):
            return True
    return False


_SIGN, _SIGN_TYPE = b"sign" + _IS, b"sign_type" + _IS


# The fields that decide about money or identity. Others may hold what they like.
_DECIDING = frozenset(
    b"app_id auth_app_id biz_content buyer_pay_amount charset fund_bill_list gmt_close gmt_payment gmt_refund"
    b" merchant_app_id method msg_method notify_id notify_type out_biz_no out_order_no out_request_no out_trade_no"
    b" receipt_amount refund_fee refund_status seller_email seller_id send_back_fee sign_type status total_amount"
    b" trade_no trade_status".split()
)
_INSIDE = re.compile(rb"&([a-z_]+)[=\x02]")


def reads_two_ways(form: Form) -> bool:
    """Whether another form with other deciding fields has the very same signed text.

    That takes a value which holds ``&name=`` of a deciding field where that name would stand in sorted order.
    """
    if _joined(form.pairs).count(b"&") < len(form.pairs):
        return False
    # Fields that a rule may leave out of the signed text do not stand between others.
    always = _without(_without(form.pairs, _SIGN), _SIGN_TYPE)
    standing = [pair for pair in always if not _is_empty(pair)]
    names = [pair.partition(_IS)[0] for pair in standing]
    for pair, name, following in zip(standing, names, [*names, b"\xff"][1:], strict=True):
        if any(hidden in _DECIDING and name < hidden < following for hidden in _INSIDE.findall(pair)):
            return True
    return False


def _charset_of(pairs: Sequence[bytes]) -> tuple[str, str]:
    """The codec, and the partner's name for it."""
    declared = next((pair[8:] for pair in pairs if pair.startswith(b"charset" + _IS)), b"") or b"utf-8"
    codec = decoder(declared.decode("latin-1"))
    if codec is None:
        raise MalformedForm("unknown charset")
    return codec, "utf-8" if codec == "utf-8" else "gbk"


def _fields(decoded: bytes, codec: str, count: int) -> dict[str, str]:
    try:
        text = decoded.decode(codec)
        fields = dict([pair.split("\x02", 1) for pair in text.split("\x01")])
    except UnicodeDecodeError:
        raise MalformedForm("bytes that are not in the charset") from None
    except ValueError:  # a pair of one part
        raise MalformedForm("a field without =") from None
    if len(fields) != count:
        raise MalformedForm("a name stands twice")
    # A name with "=" or "&" inside would let one signed text stand for two forms.
    if "" in fields or not _NAMES.fullmatch("".join(fields)):
        raise MalformedForm("a blank name, or one of other characters than 0-9 A-Z a-z _ . [ ] -")
    if decoded.count(_IS) > count:
        return {name: value.replace("\x02", "=") for name, value in fields.items()}
    return fields


def _without(pairs: Sequence[bytes], start: bytes) -> Sequence[bytes]:
    """All but the one that begins with ``start``; ``pairs`` itself when there is none."""
    at = bisect_left(pairs, start)
    return [*pairs[:at], *pairs[at + 1 :]] if at < len(pairs) and pairs[at].startswith(start) else pairs


def _is_empty(pair: bytes) -> bool:
    return pair.find(_IS) == len(pair) - 1


def _joined(pairs: Sequence[bytes]) -> bytes:
    return b"&".join(pairs).replace(_IS, b"=")


_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PLAIN = _UNRESERVED + _AND + _IS
_PERCENT = 0x25
_BYTES = [bytes((byte,)) for byte in range(256)]
_ESCAPED = [b"%%%02X" % byte for byte in range(256)]


def _escape(raw: bytes, plain: bytes) -> bytes:
    # one pass in C for each byte that occurs, "%" before the others: texts have few that need escaping
    found = set(raw.translate(None, plain))
    if _PERCENT in found:
        found.remove(_PERCENT)
        raw = raw.replace(b"%", b"%25")
    for byte in found:
        raw = raw.replace(_BYTES[byte], _ESCAPED[byte])
    return raw
