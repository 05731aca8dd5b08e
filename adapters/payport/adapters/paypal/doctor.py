"""Looks at one PayPal account: its settings, and whether PayPal gives it a token and answers a question.

Loaded by ``payport doctor``. What can never work does not come here: the account refuses it when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from payport.adapters.paypal.adapter import PayPal
from payport.adapters.paypal.calls import Reply, ask_paypal
from payport.adapters.paypal.mapping import Meaning
from payport.adapters.paypal.planning import get_order
from payport.schemas.outcome import NotSentKind, Reason
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

NO_SUCH_ORDER = "0PAYPORTDOCTOR000"
"""In the form of PayPal's numbers, with a zero in front, which they do not have."""

_DASHBOARD = "compare with the developer dashboard"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:  # noqa: ARG001 - every doctor is told the time
    """What can be said without a network."""
    assert isinstance(adapter, PayPal)
    return list(_offline(adapter))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about an order that cannot be there: "no such order" proves client id, secret and rights."""
    assert isinstance(adapter, PayPal)
    answer = yield from ask_paypal(adapter, get_order(NO_SUCH_ORDER), deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(answer)]


def _offline(paypal: PayPal) -> Iterator[Finding]:
    config = paypal.config
    where = "the sandbox or a simulator" if config.sandbox else "the live API"
    yield green(f"calls go to {config.host}, {where}, for merchant {config.merchant_id}")
    if config.webhook_id is None:
        yield yellow(
            "webhook_id is not set: every event is refused, and only asking tells how orders end",
            "add a webhook in the developer dashboard and set its id, or resume often",
        )
    else:
        hosts = " and ".join(sorted(config.certificate_hosts))
        yield green(f"events of webhook {config.webhook_id} are taken; their certificates come from {hosts} only")
    if config.webhook_roots is not None:
        yield yellow(
            "webhook_roots replaces the usual authorities: events stop when PayPal changes its authority",
            "leave it out unless a simulator needs it",
        )
    if config.return_url is None:
        yield yellow("return_url is not set: every order must bring its own", "set the page that payers come back to")


def _unanswered(observation: Observation) -> Finding:
    cause = observation.unknown or observation.not_sent
    if observation.not_sent is not None and observation.not_sent.kind is NotSentKind.KEYS and not observation.again:
        return red(f"PayPal gives no access token ({cause})", f"{_DASHBOARD}: client_id, client_secret, api_url")
    return yellow(f"PayPal gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(answer: Reply) -> Finding:
    found = answer.verdict
    if answer.ok or found.meaning is Meaning.ABSENT:
        return green("PayPal gave an access token and answered under it: client_id, client_secret and rights fit")
    match found.reason:
        case Reason.UNAUTHENTICATED:
            return red(f"PayPal does not accept its own token ({answer.code})", f"{_DASHBOARD}: is the app live?")
        case Reason.NOT_PERMITTED:
            return red(f"the application may not read orders ({answer.code})", "switch checkout on for the app")
        case _:
            return yellow(f"PayPal answered with a refusal ({answer.code} {answer.words})", _DASHBOARD)
