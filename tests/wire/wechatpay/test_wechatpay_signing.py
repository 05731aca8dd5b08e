"""WeChat Pay's signatures over raw bytes: what is signed, what is refused and why, and what never crashes."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import NOON, PUBLIC_ID, headers

from payport.adapters.wechatpay.signing import (
    PROBE,
    SCHEME,
    Flaw,
    Seal,
    answer_message,
    authorization,
    base64_text,
    is_authentic,
    lines,
    payer_message,
    plain_headers,
    read_seal,
    request_message,
)

BODY = '{"code_url":"weixin://wxpay/bizpayurl?pr=茶"}'.encode()
NOW_S = NOON.timestamp()
SIGNED = headers(BODY)


def verdict(found: Mapping[str, str], body: bytes = BODY, now_s: float = NOW_S) -> Flaw | bool:
    """What a message with these headers is."""
    plain = plain_headers(found.items())
    seal = plain if isinstance(plain, Flaw) else read_seal(plain, now_s)
    return is_authentic(seal, body, key("wechat").public) if isinstance(seal, Seal) else seal


def test_every_line_ends_in_a_line_feed() -> None:
    """Five of a request, three of an answer, four of the payer's parameters; an empty body leaves an empty line."""
    assert request_message("GET", "/v3/a?b=c", "1", "n", b"") == b"GET\n/v3/a?b=c\n1\nn\n\n"
    assert request_message("POST", "/v3/a", "1", "n", b"{}") == b"POST\n/v3/a\n1\nn\n{}\n"
    assert answer_message("1", "n", b"{}") == b"1\nn\n{}\n"
    assert answer_message("1", "n", b"") == b"1\nn\n\n"
    assert payer_message("wx1", "1", "n", "prepay_id=x") == b"wx1\n1\nn\nprepay_id=x\n"
    assert lines("茶", b"\xff") == "茶".encode() + b"\n\xff\n"


def test_the_header_names_merchant_certificate_time_nonce_and_signature() -> None:
    """As the API's documents write it."""
    assert authorization("19", "0ABC", "1", "n", b"\xff\xfe") == (
        'WECHATPAY2-SHA256-RSA2048 mchid="19",nonce_str="n",signature="//4=",timestamp="1",serial_no="0ABC"'
    )


def test_an_authentic_message_is_believed() -> None:
    """Over these very bytes only."""
    assert verdict(SIGNED) is True
    assert verdict(SIGNED, BODY + b" ") is False
    assert verdict(SIGNED, BODY.replace(b":", b": ")) is False, (
        "java#112, go#195: a body that was parsed and written anew"
    )


def test_empty_bodies_are_signed_too() -> None:
    """204 and 202 come without content: the signature covers an empty line."""
    assert verdict(headers(b""), b"") is True
    assert verdict(headers(b""), b"{}") is False


@pytest.mark.parametrize(
    "spelt",
    [
        str.title,
        str.upper,
        lambda name: "HTTP_" + name.upper().replace("-", "_"),
        lambda name: name.replace("-", "_"),
    ],
    ids=["Title-Case", "UPPER-CASE", "WSGI", "underscores"],
)
def test_header_names_come_in_any_spelling(spelt: object) -> None:
    """Frameworks lower them, shout them, or make environment variables of them."""
    assert callable(spelt)
    assert verdict({spelt(name): value for name, value in SIGNED.items()}) is True


def test_a_missing_signature_type_means_rsa() -> None:
    """wechatpayv3 raises a bare exception without that header; WeChat's answers often lack it."""
    assert verdict({name: value for name, value in SIGNED.items() if name != "wechatpay-signature-type"}) is True


REFUSED: dict[str, tuple[dict[str, str | None], Flaw | bool]] = {
    "no time": ({"wechatpay-timestamp": None}, Flaw.UNSIGNED),
    "no nonce": ({"wechatpay-nonce": None}, Flaw.UNSIGNED),
    "no serial": ({"wechatpay-serial": None}, Flaw.UNSIGNED),
    "no signature": ({"wechatpay-signature": None}, Flaw.UNSIGNED),
    "empty signature": ({"wechatpay-signature": ""}, Flaw.UNSIGNED),
    "time in words": ({"wechatpay-timestamp": "noon"}, Flaw.MALFORMED),
    "time with a sign": ({"wechatpay-timestamp": "+1"}, Flaw.MALFORMED),
    "time in other digits": ({"wechatpay-timestamp": "١٧٦٩٨٣٢٠٠٠"}, Flaw.MALFORMED),
    "time without end": ({"wechatpay-timestamp": "9" * 5000}, Flaw.MALFORMED),
    "a nonce of two lines": ({"wechatpay-nonce": "a\nb"}, Flaw.MALFORMED),
    "a serial with a blank": ({"wechatpay-serial": "a b"}, Flaw.MALFORMED),
    "another scheme": ({"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}, Flaw.UNSUPPORTED),
    "the scheme of brands": ({"wechatpay-signature-type": "WECHATPAY-BRAND-SHA256-RSA2048"}, Flaw.UNSUPPORTED),
    "another nonce": ({"wechatpay-nonce": "other"}, False),
    "not base64": ({"wechatpay-signature": "!!!"}, False),
    "url-safe base64": ({"wechatpay-signature": "_-" + SIGNED["wechatpay-signature"][2:]}, False),
    "base64 with blanks": ({"wechatpay-signature": SIGNED["wechatpay-signature"] + " "}, False),
    "cut short": ({"wechatpay-signature": SIGNED["wechatpay-signature"][:-4]}, False),
}


@pytest.mark.parametrize(("changes", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_and_why(changes: dict[str, str | None], expected: Flaw | bool) -> None:
    """Each flaw by its name; none is an exception."""
    changed = {**SIGNED, **changes}
    found = {name: value for name, value in changed.items() if value is not None}
    assert verdict(found) is expected


@pytest.mark.parametrize("rest", ["", "valid", "not base64", "odd"])
def test_probes_are_refused_like_any_wrong_signature(rest: str) -> None:
    """java#251, java#319, php#139, WxJava#3422: WeChat's deliberate probes crashed verifiers that trusted base64."""
    good = SIGNED["wechatpay-signature"]
    spoilt = PROBE + {"": "", "valid": good[19:], "not base64": "Zm9v_-==", "odd": good + "A"}[rest]
    plain = plain_headers({**SIGNED, "wechatpay-signature": spoilt}.items())
    assert not isinstance(plain, Flaw)
    seal = read_seal(plain, NOW_S)
    assert isinstance(seal, Seal)
    assert (seal.is_probe, is_authentic(seal, BODY, key("wechat").public)) == (True, False)


@pytest.mark.parametrize(
    ("away_s", "expected"), [(-301, Flaw.STALE), (-300, True), (0, True), (300, True), (301, Flaw.STALE)]
)
def test_five_minutes_both_ways(away_s: int, expected: Flaw | bool) -> None:
    """wechatpayv3 and Java's parser take a callback that is a year old, since neither looks at the time."""
    assert verdict(SIGNED, now_s=NOW_S + away_s) is expected
    assert verdict(SIGNED, now_s=NOW_S + 365 * 86_400) is Flaw.STALE


def test_a_header_that_stands_twice_must_say_the_same() -> None:
    """Two readers could take different ones."""
    twice = [*SIGNED.items(), ("Wechatpay-Nonce", "other")]
    assert plain_headers(twice) is Flaw.MALFORMED
    assert plain_headers([*SIGNED.items(), ("Wechatpay-Nonce", SIGNED["wechatpay-nonce"])]) == SIGNED
    assert plain_headers([("cookie", "a"), ("cookie", "b")]) == {}


def test_a_signature_of_another_key_is_refused() -> None:
    """Whoever names the serial number of a key does not have it."""
    assert verdict(headers(BODY, by="stranger")) is False


@given(st.dictionaries(st.sampled_from(sorted(SIGNED)), st.text(max_size=60)), st.binary(max_size=60))
def test_no_header_and_no_body_crashes_the_check(changed: dict[str, str], body: bytes) -> None:
    """Whatever comes, the answer is a flaw, or a truth value that is only true for what was signed."""
    assert verdict({**SIGNED, **changed}, body) is not True or (
        body == BODY and not set(changed) - {"wechatpay-serial"}
    )


@given(st.binary(max_size=200))
def test_what_is_signed_here_is_believed_here(body: bytes) -> None:
    """Any body."""
    assert verdict(headers(body), body) is True


def test_names_of_keys_are_opaque() -> None:
    """wechatpayv3#76, #79: code that reads ``PUB_KEY_ID_...`` as a hexadecimal number crashes."""
    seal = read_seal(SIGNED, NOW_S)
    assert isinstance(seal, Seal)
    assert seal.serial == PUBLIC_ID
    assert (SCHEME, base64_text(b"\x00")) == ("WECHATPAY2-SHA256-RSA2048", base64.b64encode(b"\x00").decode())
