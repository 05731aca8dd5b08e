"""Money as Stripe counts it: an integer of the smallest unit, with Stripe's own table of decimals.

Stripe's table is not ISO 4217's: the ariary has two decimals on paper and none here, the Icelandic króna and the
Ugandan shilling the other way round, and three-decimal amounts end in 0.
Sources: Stripe's documentation of currencies, "zero-decimal", "three-decimal" and "special cases".
"""

from __future__ import annotations

from payport.schemas.money import Money, exponent

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
WHOLE_UNITS = frozenset({"ISK", "UGX"})
"""Without decimals in life; Stripe counts two, and both must be 0."""
WHOLE_PAYOUTS = frozenset({"HUF", "TWD"})
"""Charged with two decimals, paid out in whole units only."""
MAX_WIRE = 99_999_999
"""Eight digits at most."""

_CHARGED = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE "
    "SOS SRD STD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR "
    "ZMW"
)
CURRENCIES = frozenset(_CHARGED.split())
"""What Stripe charges in; which of them one account may use is told by Stripe."""


class UnsupportedAmount(ValueError):
    """Stripe cannot count this amount. The message says why."""


def decimals(currency: str) -> int:
    """How many decimals Stripe counts for an ISO 4217 code in upper case."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_wire(money: Money) -> int:
    """The amount as Stripe takes it in charges. Raises :class:`UnsupportedAmount`; nothing is ever rounded."""
    currency = money.currency
    more, fewer = _scales(currency)
    wire, rest = divmod(money.amount_minor * more, fewer)
    if rest:
        raise UnsupportedAmount(f"Stripe counts {currency} with {decimals(currency)} decimals, {money} has more")
    if currency in THREE_DECIMAL and wire % 10:
        raise UnsupportedAmount(f"Stripe takes {currency} with 0 as the last of its three decimals, got {money}")
    if abs(wire) > MAX_WIRE:
        raise UnsupportedAmount(f"Stripe takes amounts of at most eight digits, {money} has more")
    return wire


def to_payout(money: Money) -> int:
    """The same for payouts, where forints and Taiwan dollars are whole. Raises :class:`UnsupportedAmount`."""
    wire = to_wire(money)
    if money.currency in WHOLE_PAYOUTS and wire % 100:
        raise UnsupportedAmount(f"Stripe pays {money.currency} out in whole units only, got {money}")
    return wire


def from_wire(amount: int, currency: str) -> Money:
    """The money that Stripe means; ``currency`` as on the wire, in lower case. Raises ``ValueError``."""
    code = currency.upper()
    more, fewer = _scales(code)
    minor, rest = divmod(amount * fewer, more)
    if rest:
        raise ValueError(f"{code} has no such fraction")
    return Money(minor, code)


def _scales(currency: str) -> tuple[int, int]:
    """What ISO 4217's smallest units are multiplied with, then divided by, to become Stripe's. One of them is 1."""
    ours, theirs = exponent(currency), decimals(currency)
    return int(10 ** max(0, theirs - ours)), int(10 ** max(0, ours - theirs))
