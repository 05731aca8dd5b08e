"""Looks at one UnionPay account: keys, certificates, and what UnionPay says to a signed question.

Loaded by ``payport doctor``. Most of what is wrong with keys never comes here:
:class:`~payport.adapters.unionpay.UnionPay` refuses it when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.certificates import cert_id
from payport.adapters.unionpay.envelope import Answer, ask_gateway
from payport.adapters.unionpay.mapping import Meaning, verdict
from payport.adapters.unionpay.questions import query_call
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, Term, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

SOON = timedelta(days=30)
NO_SUCH_ORDER = "PAYPORT0DOCTOR0NO0SUCH0ORDER"

_PORTAL = "compare with UnionPay's merchant portal"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:
    """What can be said without a network."""
    assert isinstance(adapter, UnionPay)
    return list(_offline(adapter, now))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about an order that cannot be there: an authentic "no such transaction" proves both sides' keys."""
    assert isinstance(adapter, UnionPay)
    now = (yield from exchange.now()).utc
    answer = yield from ask_gateway(adapter, query_call(NO_SUCH_ORDER, stamp(now)), deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(answer)]


def _offline(unionpay: UnionPay, now: datetime) -> Iterator[Finding]:
    config, keys = unionpay.config, unionpay.keys
    where = "the test environment or a simulator" if config.sandbox else "the production gateway"
    yield green(f"calls go to {', '.join(sorted(config.hosts))}, {where}")
    if keys.signing is None:
        kind = "SHA-256" if config.sign_method == "11" else "SM3"
        yield green(f"messages are signed with the shared secret_key ({kind})")
    else:
        yield green(f"key: an RSA key of {keys.signing.private.public.bits} bits that belongs to its certificate")
        yield _dates("certificate", keys.signing.certificate, now)
        for number, chain in enumerate(keys.signers.chains):
            yield _dates(f"authorities[{number}].middle", chain.middle, now)
            yield _dates(f"authorities[{number}].root", chain.root, now)
    if keys.encryption is None:
        yield yellow("encryption_cert is not set: card data cannot be sent", "set it if native calls carry cards")
    if config.notify_url is None:
        yield yellow("notify_url is not set: only orders that name one can be paid", "set it")
    elif not config.notify_url.startswith("https://"):
        yield yellow(f"notify_url {config.notify_url} is not https", "notices carry personal data: use https")


def _dates(key: str, certificate: x509.Certificate, now: datetime) -> Finding:
    left = certificate.not_valid_after_utc - now
    term = Term(f"{key} ({cert_id(certificate)})", certificate.not_valid_after_utc)
    ends = f"{term.item} ends on {certificate.not_valid_after_utc:%Y-%m-%d}"
    mend = "get the next one from UnionPay or CFCA, and configure it before that day"
    if left <= timedelta(0):
        return red(ends, mend, term)
    return yellow(ends, mend, term) if left < SOON else green(ends, term)


def _unanswered(observation: Observation) -> Finding:
    """Nothing authentic came back."""
    cause = observation.unknown or observation.not_sent
    if observation.unknown is not None and observation.unknown.kind is UnknownKind.UNVERIFIED:
        return red(
            f"UnionPay's answer is not authentic ({cause})",
            f"{_PORTAL}: mer_id, gateway_url, sign_method, and the middle and root certificates (or secret_key)",
        )
    return yellow(f"UnionPay gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(answer: Answer) -> Finding:
    """An authentic answer: our signature was looked at, and theirs fits."""
    code = f"{answer.code} {answer.message}".strip()
    if answer.meaning in (Meaning.DONE, Meaning.ABSENT):
        return green("UnionPay accepted our signature, and its answer carries UnionPay's: the keys on both sides fit")
    found = verdict(answer.code)
    match found.reason if found is not None else Reason.OTHER:
        case Reason.BAD_SIGNATURE:
            return red(f"UnionPay cannot verify what the key signs ({code})", f"{_PORTAL}; upload its certificate")
        case Reason.MERCHANT_BLOCKED | Reason.NOT_PERMITTED:
            return red(f"UnionPay does not serve this merchant ({code})", f"{_PORTAL}: mer_id and its products")
        case Reason.INVALID_REQUEST:
            return red(f"UnionPay refused the form of the question ({code})", "check this machine's clock and encoding")
        case _:
            return yellow(f"UnionPay's answer is authentic, and a refusal ({code})", _PORTAL)
