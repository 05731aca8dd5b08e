"""Looks at one Adyen account: its key, its webhook keys, and what Adyen says to a harmless question.

Loaded by ``payport doctor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from payport.adapters.adyen.adapter import Adyen
from payport.adapters.adyen.calls import Answer, Call, ask_adyen
from payport.adapters.adyen.reading import error_of
from payport.schemas.outcome import Reason
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

NO_SUCH_LINK = "PLPAYPORTDOCTOR00000"
_AREA = "compare with the Customer Area, Developers"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:  # noqa: ARG001 - nothing here has a date
    """What can be said without a network."""
    assert isinstance(adapter, Adyen)
    return list(_offline(adapter))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about a payment link that cannot be there: that Adyen says so proves that the key is taken."""
    assert isinstance(adapter, Adyen)
    question = Call(name="paymentLinks.get", host=adapter.config.host, numbers={"link": NO_SUCH_LINK})
    answer = yield from ask_adyen(adapter, question, deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(adapter, answer)]


def _offline(adyen: Adyen) -> Iterator[Finding]:
    config = adyen.config
    yield green(f"calls go to {config.host}, {'live' if config.live else 'test'}, for {config.merchant_account}")
    match len(config.hmac_keys):
        case 0:
            yield red(
                "no HMAC key: notices are refused, and without them nothing about a lost answer is ever learnt",
                "set hmac_key: Adyen cannot be asked",
            )
        case 1:
            yield green("one HMAC key")
        case number:
            yield yellow(f"{number} HMAC keys: one is being rotated", "take the old one out when nothing uses it")
    if config.client_key is None:
        yield yellow("no client_key: sessions are handed out without one", "set client_key, or leave AdyenSession")
    if config.return_url is None:
        yield yellow("no return_url: every order must bring its own", "set return_url")
    elif not config.return_url.startswith("https://"):
        yield yellow(f"return_url {config.return_url} is not https", "live accounts demand https")


def _unanswered(observation: Observation) -> Finding:
    cause = observation.unknown or observation.not_sent
    return yellow(f"Adyen gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(adyen: Adyen, answer: Answer) -> Finding:
    told, found = error_of(answer)
    if answer.ok:
        return green("Adyen accepted the key")
    match found.reason:
        case Reason.UNAUTHENTICATED:
            return red("Adyen does not accept api_key", f"{_AREA}: was it regenerated, or is it cut short?")
        case Reason.NOT_PERMITTED:
            return red(
                f"the key may not act for {adyen.config.merchant_account}",
                f"{_AREA}: give its user the merchant account and the role for Checkout",
            )
        case _ if answer.status in (400, 404, 422):
            return green("Adyen accepted the key, and knows no such link, as it should")
        case _:
            return yellow(f"Adyen answered status {answer.status}, error {told.error_code}", _AREA)
