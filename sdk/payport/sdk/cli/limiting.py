"""``payport limits``: how often each partner may be called, and how much of it is left."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from rich.console import Console

from payport.sdk.limits.limiter import Limiter
from payport.sdk.limits.rules import LimitLeft
from payport.sdk.opening import open_guards
from payport.sdk.profile import CallLimit
from payport.sdk.settings import Settings, open_adapter


def show_limits(console: Console, settings: Settings, accounts: Sequence[str]) -> None:
    """A few lines for each account. Raises :class:`payport.sdk.ConfigurationError` for what cannot be opened."""
    if not settings.limits.on:
        _say(console, "call limits are switched off: [limits] on = false")
        return
    with closing(open_guards(settings)) as guards:
        for name in accounts:
            adapter, changes = open_adapter(settings, name), settings.accounts[name].limits
            for each in guards.of(adapter, changes, where=f"[account.{name}] limits"):
                if isinstance(each, Limiter):
                    _show(console, f"{name} ({adapter.account})", each, shared=settings.limits.redis is not None)


def _show(console: Console, account: str, limiter: Limiter, *, shared: bool) -> None:
    left = {each.name: each for each in limiter.left()}
    answers = any(each.shared for each in left.values())
    if not shared:
        how = "each process counts for itself"
    elif answers:
        how = "counted over all processes"
    else:
        how = "Redis does not answer: each process keeps to a part of them"
    _say(console, f"{account}: {how}", "bold" if answers or not shared else "red")
    for limit in limiter.limits:
        now = left.get(limit.name) if shared else None
        _say(console, f"  {_limit(limit)}{_now(limit, now)}", "yellow" if now and now.paused_s else None)
        if limit.source:
            _say(console, f"      {limit.source}", "dim")


def _limit(limit: CallLimit) -> str:
    every = ", every endpoint by itself" if limit.each else ""
    rate = "not limited" if limit.rate_per_s is None else f"{limit.rate_per_s:g} a second, {limit.burst:g} at once"
    together = "" if limit.concurrency is None else f", {limit.concurrency} under way"
    return f"{limit.name}{every}: {rate}{together}"


def _now(limit: CallLimit, left: LimitLeft | None) -> str:
    """What is left at the moment; nothing where it is not counted together."""
    if left is None:
        return ""
    words = [f"{left.left} left now" if left.left is not None else ""]
    words.append(f"the next payment in {left.next_s:.2f} s" if left.next_s else "")
    words.append("" if left.concurrency is None else f"{left.in_use} under way now")
    slower = left.rate_per_s is not None and left.rate_per_s != limit.rate_per_s
    words.append(f"slowed down to {left.rate_per_s:.3g} a second" if slower else "")
    words.append(f"the partner wants to be left alone for {left.paused_s:.0f} s" if left.paused_s else "")
    told = "; ".join(word for word in words if word)
    return f" ({told})" if told else ""


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
