"""Looks at one account of API v2: key, certificate, and what WeChat says to a signed question.

Loaded by ``payport doctor``. A certificate that cannot be used never comes here:
:class:`~payport.adapters.wechatpay_v2.WeChatPayV2` refuses it when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from payport.adapters.wechatpay_v2.account import SignType
from payport.adapters.wechatpay_v2.adapter import WeChatPayV2
from payport.adapters.wechatpay_v2.calls import ORDER_QUERY, Call
from payport.adapters.wechatpay_v2.envelope import Answer, ask_wechat
from payport.adapters.wechatpay_v2.mapping import Meaning, verdict
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.adapter import Adapter
from payport.sdk.cli.findings import Finding, green, red, yellow
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation

NO_SUCH_ORDER = "PAYPORT-DOCTOR-NO-SUCH-ORDER"
_CONSOLE = "compare with the merchant console"


def examine(adapter: Adapter, now: datetime) -> Sequence[Finding]:  # noqa: ARG001 - expiry was looked at when it was built
    """What can be said without a network."""
    assert isinstance(adapter, WeChatPayV2)
    return list(_offline(adapter))


def converse(adapter: Adapter, deadline_s: float) -> Exchange[Sequence[Finding]]:
    """Ask about an order that cannot be there: an authentic "no such order" proves that the key is shared."""
    assert isinstance(adapter, WeChatPayV2)
    question = Call(path=ORDER_QUERY, fields={"out_trade_no": NO_SUCH_ORDER})
    answer = yield from ask_wechat(adapter, question, deadline_s)
    return [_unanswered(answer) if isinstance(answer, Observation) else _answered(answer)]


def _offline(wechat: WeChatPayV2) -> Iterator[Finding]:
    config = wechat.config
    where = "a simulator or proxy" if config.sandbox else "WeChat Pay's own host"
    yield green(f"calls go to {config.host}, {where}")
    yield yellow("API v2 proves less than v3: both sides share one key", "move to API v3 (partner wechatpay)")
    if config.has_certificate:
        yield green("a client certificate is there and current: refunds, reversals and scanned codes can be sent")
    else:
        yield yellow(
            "no client certificate: no refunds, no reversals, and therefore no scanned codes",
            "download it in the merchant console and set client_cert_path and client_key_path",
        )
    if config.sign_type is SignType.MD5 or config.accept_md5:
        yield yellow("MD5 signatures are believed", "set sign_type to HMAC-SHA256 and leave accept_md5 out")
    else:
        yield green("only HMAC-SHA256 signatures are believed")
    if config.notify_url is None:
        yield yellow("notify_url is not set: every order must name one, and refunds are not told", "set it")
    elif not config.notify_url.startswith("https://"):
        yield yellow(f"notify_url {config.notify_url} is not https", "notices carry personal data: use https")


def _unanswered(observation: Observation) -> Finding:
    """Nothing authentic came back."""
    cause = observation.unknown or observation.not_sent
    if observation.unknown is not None and observation.unknown.kind in (UnknownKind.UNVERIFIED, UnknownKind.MISMATCH):
        return red(
            f"WeChat's answer is not believed ({cause})",
            f"{_CONSOLE}: api_key (APIv2, not APIv3), appid, mch_id, base_url",
        )
    return yellow(f"WeChat gave no answer that tells anything ({cause})", "check the network, then run this again")


def _answered(answer: Answer) -> Finding:
    """An authentic answer: our signature was looked at, and theirs fits."""
    found = verdict(answer.path, answer.code)
    if answer.ok or (found is not None and found.meaning is Meaning.ABSENT):
        return green("WeChat accepted our signature, and its answer carries one under the same key")
    if found is not None and found.reason in (Reason.UNAUTHENTICATED, Reason.NOT_PERMITTED, Reason.BAD_SIGNATURE):
        return red(f"WeChat does not accept this merchant or application ({answer.code})", f"{_CONSOLE}: appid, mch_id")
    return yellow(f"WeChat's answer is authentic, and a refusal ({answer.code} {answer.words})", _CONSOLE)
