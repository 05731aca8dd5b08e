"""Looks at one WeChat Pay account: keys, certificates, and what WeChat says to a signed question.

Loaded by ``payport doctor``. Most of what is wrong with keys never comes here:
:class:`~payport.adapters.wechatpay.WeChatPay` refuses it when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.certificates import parse_certificate
from payport.adapters.wechatpay.envelope import Answer, ask_wechat
from payport.adapters.wechatpay.mapping import Meaning
from payport.adapters.wechatpay.performing import trade_question
from payport.adapters.wechatpay.verifying import PUBLIC_KEY_MERCHANT
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

SOON = timedelta(days=30)
NO_SUCH_ORDER = "PAYPORT0DOCTOR0ASKS0FOR0NOTHING0"
"""A number in WeChat's form that no order of ours can have: attempts end in a letter and three digits."""

_CONSOLE = "compare with the WeChat Pay console (account centre, API security)"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:
    """What can be said without a network."""
    assert isinstance(adapter, WeChatPay)
    return list(_offline(adapter, now))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about an order that cannot be there: an authentic "no such order" proves both sides' keys."""
    assert isinstance(adapter, WeChatPay)
    answer = yield from ask_wechat(adapter, trade_question(adapter.config, NO_SUCH_ORDER), deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(answer)]


def _offline(wechat: WeChatPay, now: datetime) -> Iterator[Finding]:
    config, keys = wechat.config, wechat.keys
    where = "a simulator" if config.sandbox else "production"
    yield green(f"calls go to {' and, when that cannot be reached, to '.join(config.hosts)}, {where}")
    who = f"service provider {config.mchid} for sub-merchant {config.sub_mchid}" if config.sub_mchid else config.mchid
    yield green(f"merchant {who}, application {config.appid}, our certificate {config.serial[:8]}...")
    ours = keys.private.public
    yield green(f"private_key: an RSA key of {ours.bits} bits, its numbers belong together, {ours.fingerprint[:16]}")
    if keys.public is not None:
        theirs = keys.public.key
        yield green(f"platform public key {keys.public.serial}: {theirs.bits} bits, {theirs.fingerprint[:16]}")
    elif not config.platform_certificates:
        yield yellow(
            "no key of WeChat Pay is configured: certificates are downloaded with the first answer", PUBLIC_KEY_MERCHANT
        )
    for text in config.platform_certificates:
        yield _dates(text, now)
    if config.notify_url is None:
        yield yellow("notify_url is not set: only orders that name one can be paid", "set it in the account")


def _dates(pem: str, now: datetime) -> Finding:
    certificate = parse_certificate(pem)
    ends = f"platform certificate {certificate.serial[:8]}... ends on {certificate.not_after:%Y-%m-%d}"
    if certificate.not_after <= now:
        return yellow(ends, "leave it out: a current one is downloaded")
    if certificate.not_after - now < SOON:
        return yellow(ends, "nothing to do: a new one is downloaded about ten days before")
    return green(ends)


def _unanswered(observation: Observation) -> Finding:
    """Nothing authentic came back."""
    cause = observation.unknown or observation.not_sent
    if observation.unknown is None or observation.unknown.kind is not UnknownKind.UNVERIFIED:
        return yellow(f"WeChat Pay gave no answer that tells anything ({cause})", "check the network, run this again")
    if "SIGN_ERROR" in observation.unknown.detail:
        return red(
            f"WeChat Pay cannot verify what private_key signs ({cause})",
            f"{_CONSOLE}: mchid, serial_no of your own certificate, and that private_key belongs to it",
        )
    return red(
        f"WeChat Pay's answer is not authentic ({cause})",
        f"{_CONSOLE}: platform_public_key and its id, or api_v3_key, with which certificates are decrypted",
    )


def _answered(answer: Answer) -> Finding:
    """An authentic answer: our signature was looked at, and theirs fits."""
    found = answer.verdict
    if answer.ok or found.meaning is Meaning.ABSENT:
        return green("WeChat Pay accepted our signature, and its answer carries its own: the keys on both sides fit")
    match found.reason:
        case Reason.BAD_SIGNATURE:
            return red(f"WeChat Pay cannot verify what private_key signs ({answer.code})", f"{_CONSOLE}: serial_no")
        case Reason.UNAUTHENTICATED:
            return red(f"merchant and application do not belong together ({answer.code})", f"{_CONSOLE}: mchid, appid")
        case Reason.NOT_PERMITTED:
            return red(f"the merchant may not ask about orders ({answer.code})", "open the product in the console")
        case _:
            return yellow(f"the answer is authentic, and a refusal ({answer.code} {answer.message})", _CONSOLE)
