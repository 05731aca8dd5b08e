"""Money as Adyen counts it: an integer of the smallest unit, with Adyen's own table of decimals.

Adyen's table wins over ISO 4217: the Chilean peso and the Icelandic króna have two decimals here and none on paper, the
Cape Verde escudo and the rupiah the other way round. Source: Adyen's documentation, "currency codes and minor units".
"""

from __future__ import annotations

from payport.schemas.money import Money, exponent

ZERO_DECIMAL = frozenset(
    {"CVE", "DJF", "GHC", "GNF", "IDR", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

_CHARGED = (
    "AED ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BMD BND BOB BRL BSD BWP BYN BZD CAD CHF CLP CNY COP CRC CVE CZK "
    "DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD ISK JMD JOD "
    "JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LYD MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO "
    "NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SVC SZL "
    "THB TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CURRENCIES = frozenset(_CHARGED.split())
"""What Adyen charges in, without those whose decimals its documents leave open (BIF); an account may have fewer."""


class UnsupportedAmount(ValueError):
    """Adyen cannot count this amount. The message says why."""


def decimals(currency: str) -> int:
    """How many decimals Adyen counts for an ISO 4217 code in upper case."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_wire(money: Money) -> int:
    """The amount as Adyen takes it. Raises :class:`UnsupportedAmount`; nothing is ever rounded."""
    more, fewer = _scales(money.currency)
    wire, rest = divmod(money.amount_minor * more, fewer)
    if rest:
        raise UnsupportedAmount(
            f"Adyen counts {money.currency} with {decimals(money.currency)} decimals, {money} has more"
        )
    return wire


def from_wire(value: int, currency: str) -> Money:
    """The money that Adyen means. Raises ``ValueError``."""
    more, fewer = _scales(currency)
    minor, rest = divmod(value * fewer, more)
    if rest:
        raise ValueError(f"{currency} has no such fraction")
    return Money(minor, currency)


def _scales(currency: str) -> tuple[int, int]:
    """What ISO 4217's smallest units are multiplied with, then divided by, to become Adyen's. One of them is 1."""
    ours, theirs = exponent(currency), decimals(currency)
    return int(10 ** max(0, theirs - ours)), int(10 ** max(0, ours - theirs))
