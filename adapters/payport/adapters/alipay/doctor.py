"""Looks at one Alipay account: keys, certificates, and what Alipay says to a signed question.

Loaded by ``payport doctor``. Most of what is wrong with keys never comes here: :class:`~payport.adapters.alipay.Alipay`
refuses it when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.calls import Call
from payport.adapters.alipay.certificates import Certificate, chain_is_valid, parse_certificates
from payport.adapters.alipay.envelope import Answer, ask_gateway
from payport.adapters.alipay.mapping import Meaning, verdict
from payport.adapters.alipay.planning import TRADE_QUERY
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, Term, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

SOON = timedelta(days=30)
NO_SUCH_TRADE = "2000010122001000000000000000"
"""A number in Alipay's form of a day on which there was no Alipay."""

_CONSOLE = "compare with the Alipay console"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:
    """What can be said without a network."""
    assert isinstance(adapter, Alipay)
    return list(_offline(adapter, now))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about a trade that cannot be there: an authentic "no such trade" proves both sides' keys."""
    assert isinstance(adapter, Alipay)
    question = Call(method=TRADE_QUERY, biz={"trade_no": NO_SUCH_TRADE}, moves_money=False)
    answer = yield from ask_gateway(adapter, question, deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(answer)]


def _offline(alipay: Alipay, now: datetime) -> Iterator[Finding]:
    config, keys = alipay.config, alipay.keys
    where = "the sandbox or a simulator" if config.sandbox else "the production gateway"
    yield green(f"calls go to {config.host}, {where}")
    yield green(f"private_key: an RSA key of {keys.private.public.bits} bits, its numbers belong together")
    if config.certificates is None:
        ours, theirs = keys.private.public, keys.current(now.timestamp())[0]
        yield green(f"alipay_public_key: an RSA key of {theirs.bits} bits, and not the application's own")
        yield green(f"fingerprints: ours {ours.fingerprint[:16]}, Alipay's {theirs.fingerprint[:16]}")
        yield yellow("public-key mode: Alipay demands certificates for transfers", "change to certificates for payouts")
    else:
        yield green("certificate mode: app_cert was made for private_key, alipay_cert is not our own")
        for key, text in (("app_cert", config.certificates.application), ("alipay_cert", config.certificates.alipay)):
            yield _dates(key, parse_certificates(text)[0], now)
        yield _chain(alipay, now)
    if config.seller_id is None:
        yield yellow("seller_id is not set: notices for another seller cannot be told apart", "set the 2088 number")
    if config.notify_url is None:
        yield yellow("notify_url is not set: Alipay notifies only orders that name one", "set it, or resume often")
    elif not config.notify_url.startswith("https://"):
        yield yellow(f"notify_url {config.notify_url} is not https", "notices carry personal data: use https")


def _dates(key: str, certificate: Certificate, now: datetime) -> Finding:
    left = certificate.time_left(now)
    term = Term(f"{key} ({certificate.sn[:8]}...)", certificate.not_after)
    ends = f"{term.item} ends on {certificate.not_after:%Y-%m-%d}"
    mend = "renew it in the Alipay console, download it, and configure it before that day"
    if left <= timedelta(0):
        return red(ends, mend, term)
    return yellow(ends, mend, term) if left < SOON else green(ends, term)


def _chain(alipay: Alipay, now: datetime) -> Finding:
    certificates = alipay.config.certificates
    assert certificates is not None
    if certificates.pinned:
        return yellow("pinned: a renewed Alipay certificate will not be trusted", "leave pinned out in production")
    leaf, *others = parse_certificates(certificates.alipay)
    if chain_is_valid(leaf, others, alipay.keys.roots, now):
        return green("alipay_cert descends from root_cert")
    return red(
        "alipay_cert does not descend from root_cert, so no renewed certificate would be trusted",
        "download all three certificates together; in the sandbox, whose root does not fit, set pinned = true",
    )


def _unanswered(observation: Observation) -> Finding:
    """Nothing authentic came back."""
    cause = observation.unknown or observation.not_sent
    if observation.unknown is not None and observation.unknown.kind is UnknownKind.UNVERIFIED:
        return red(
            f"Alipay's answer is not authentic ({cause})",
            f"{_CONSOLE}: app_id, gateway_url, and the key called 'Alipay public key' (or alipay_cert)",
        )
    return yellow(f"Alipay gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(answer: Answer) -> Finding:
    """An authentic answer: our signature was looked at, and theirs fits."""
    found, code = verdict(answer.code, answer.sub_code), answer.sub_code or answer.code
    if answer.ok or found.meaning is Meaning.ABSENT:
        return green("Alipay accepted our signature, and its answer carries Alipay's: the keys on both sides fit")
    match found.reason:
        case Reason.BAD_SIGNATURE:
            return red(f"Alipay cannot verify what private_key signs ({code})", f"{_CONSOLE}; upload its public key")
        case Reason.UNAUTHENTICATED:
            return red(f"Alipay does not accept the application ({code})", f"{_CONSOLE}: app_id, certificates, token")
        case Reason.NOT_PERMITTED:
            return red(f"the application may not ask about trades ({code})", "sign the product up in the console")
        case _:
            return yellow(f"Alipay's answer is authentic, and a refusal ({code} {answer.sub_msg})", _CONSOLE)
