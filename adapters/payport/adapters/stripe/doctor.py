"""Looks at one Stripe account: its key, its webhook secrets, and what Stripe says to a harmless question.

Loaded by ``payport doctor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from payport.adapters.stripe.account import API_VERSION, PRODUCTION_URL
from payport.adapters.stripe.adapter import Stripe
from payport.adapters.stripe.asking import intent_question
from payport.adapters.stripe.calls import Answer, ask_stripe
from payport.adapters.stripe.mapping import Meaning
from payport.adapters.stripe.reading.refusals import verdict_of
from payport.schemas.outcome import Reason
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

NO_SUCH_INTENT = "pi_payportdoctor0000000000"
_DASHBOARD = "compare with the Stripe Dashboard, Developers"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:  # noqa: ARG001 - nothing here has a date
    """What can be said without a network."""
    assert isinstance(adapter, Stripe)
    return list(_offline(adapter))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about an intent that cannot be there: "no such intent" proves that the key is taken."""
    assert isinstance(adapter, Stripe)
    answer = yield from ask_stripe(adapter, intent_question(NO_SUCH_INTENT), deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(adapter, answer)]


def _offline(stripe: Stripe) -> Iterator[Finding]:
    config = stripe.config
    where = "Stripe's own host" if config.api_url.rstrip("/") == PRODUCTION_URL else "another host: a simulator"
    yield green(f"calls go to {config.host}, {where}, in {'live' if config.live else 'test'} mode")
    if config.restricted:
        yield green("secret_key is a restricted key")
    else:
        yield yellow("secret_key may do everything", "use a restricted key (rk_) with the rights that docs list")
    if config.connected:
        yield green(f"every call acts for the connected account {config.account_id}")
    match len(config.webhook_secrets):
        case 0:
            yield yellow("no webhook secret: notices are refused", "set webhook_secret, or resume often")
        case 1:
            yield green("one webhook secret")
        case _:
            yield yellow("two webhook secrets: one is being rolled", "take the old one out after a day")
    if config.api_version != API_VERSION:
        yield yellow(f"api_version {config.api_version} is not the one this was written for", f"use {API_VERSION}")
    if config.return_url is not None and not config.return_url.startswith("https://"):
        yield yellow(f"return_url {config.return_url} is not https", "live mode demands https")


def _unanswered(observation: Observation) -> Finding:
    cause = observation.unknown or observation.not_sent
    return yellow(f"Stripe gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(stripe: Stripe, answer: Answer) -> Finding:
    found = verdict_of(answer)
    if answer.ok or found.meaning is Meaning.ABSENT:
        return green("Stripe accepted the key, and it may read payments")
    match found.reason:
        case Reason.UNAUTHENTICATED:
            return red("Stripe does not accept secret_key", f"{_DASHBOARD}: it was rolled, revoked, or is cut short")
        case Reason.NOT_PERMITTED:
            mend = f"{_DASHBOARD}: give the restricted key its rights"
            if stripe.config.connected:
                mend = f"{mend}, and see that {stripe.config.account_id} is connected to the platform"
            return red("the key may not read payments", mend)
        case _:
            return yellow(f"Stripe answered status {answer.status}", _DASHBOARD)
