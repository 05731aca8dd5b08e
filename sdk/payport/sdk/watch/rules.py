"""Rules on abnormal transactions: plain functions over a :class:`~payport.sdk.watch.moves.View`, with thresholds.

No rule is in force unless it is configured: what is abnormal for one shop is a good Monday for another. A rule answers
``None``, or what is abnormal, in words and without personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from payport.sdk.errors import ConfigurationError
from payport.sdk.watch.moves import Moved, Reading, View, What
from payport.sdk.watch.windows import PAYER_AT_MOST

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``look``: the function. ``name``: lower case with underscores; stands in incidents.

    ``readings``, ``usual_s``: what it asks of an account: counts, and windows of the usual amount in seconds.
    ``payer_s``: how far back it looks at the payer. ``subject``: what one incident is about. ``hold``: whether what it
    finds abnormal is held until a person has looked.
    """

    name: str
    look: Callable[[View], str | None]
    readings: tuple[Reading, ...] = ()
    usual_s: tuple[float, ...] = ()
    payer_s: float = 0.0
    subject: Callable[[Moved], str] = lambda moved: moved.account
    hold: bool = False

    @property
    def within_s(self) -> float:
        """How far back it looks."""
        return max(self.payer_s, *self.usual_s, *(reading.within_s for reading in self.readings), 0.0)


def amount_jump(
    *, times: float = 10.0, least_payments: int = 50, within_s: float = 30 * DAY_S, hold: bool = False
) -> Rule:
    """A payment of ``times`` what 99 of 100 payments of the account stay below, once there were ``least_payments``."""
    _at_least(times, 1.0, "amount_jump times")
    _at_least(least_payments, 1, "amount_jump least_payments")

    def look(view: View) -> str | None:
        moved = view.moved
        if moved.what is not What.ORDERED or view.account.count(What.PAID, within_s) < least_payments:
            return None
        usual = view.account.usual_minor(moved.amount.currency, within_s)
        if not usual or moved.amount.amount_minor < times * usual:
            return None
        return f"{moved.amount} is {moved.amount.amount_minor / usual:.0f} times what payments here usually are at most"

    return Rule(
        name="amount_jump",
        look=look,
        readings=(Reading(What.PAID, within_s),),
        usual_s=(within_s,),
        subject=lambda moved: moved.ref,
        hold=hold,
    )


def payer_velocity(*, at_most: int, within_s: float = 600.0, hold: bool = False) -> Rule:
    """More than ``at_most`` attempts of one payer."""
    _of_payer(at_most, "payer_velocity")

    def look(view: View) -> str | None:
        if view.moved.what is not What.ORDERED or view.payer is None:
            return None
        count = view.payer.count(What.ORDERED, within_s)
        return f"payer {view.moved.payer} tried {count} times in {_span(within_s)}" if count > at_most else None

    return Rule(name="payer_velocity", look=look, hold=hold, payer_s=within_s, subject=_payer)


def payer_orders(*, at_most: int, within_s: float = HOUR_S, hold: bool = False) -> Rule:
    """More than ``at_most`` different orders of one payer."""
    _of_payer(at_most, "payer_orders")

    def look(view: View) -> str | None:
        if view.moved.what is not What.ORDERED or view.payer is None:
            return None
        count = view.payer.refs(What.ORDERED, within_s)
        return f"payer {view.moved.payer} opened {count} orders in {_span(within_s)}" if count > at_most else None

    return Rule(name="payer_orders", look=look, hold=hold, payer_s=within_s, subject=_payer)


def payer_declines(*, at_most: int, within_s: float = HOUR_S, hold: bool = False) -> Rule:
    """More than ``at_most`` refusals of one payer, and then another attempt or a success: stolen means of paying."""
    _of_payer(at_most, "payer_declines")

    def look(view: View) -> str | None:
        if view.moved.what not in (What.ORDERED, What.PAID) or view.payer is None:
            return None
        count = view.payer.count(What.DECLINED, within_s)
        if count <= at_most:
            return None
        then = "paid" if view.moved.what is What.PAID else "tries again"
        return f"payer {view.moved.payer} was declined {count} times in {_span(within_s)} and {then}"

    return Rule(name="payer_declines", look=look, hold=hold, payer_s=within_s, subject=_payer)


def account_velocity(*, at_most: int, within_s: float = 60.0, hold: bool = False) -> Rule:
    """More than ``at_most`` attempts at one merchant account."""
    _at_least(at_most, 1, "account_velocity at_most")

    def look(view: View) -> str | None:
        if view.moved.what is not What.ORDERED:
            return None
        count = view.account.count(What.ORDERED, within_s)
        return f"{count} payments were asked for in {_span(within_s)}" if count > at_most else None

    return Rule(name="account_velocity", look=look, readings=(Reading(What.ORDERED, within_s),), hold=hold)


def payout_velocity(*, at_most: int, within_s: float = HOUR_S, hold: bool = False) -> Rule:
    """More than ``at_most`` payouts of one merchant account."""
    _at_least(at_most, 1, "payout_velocity at_most")

    def look(view: View) -> str | None:
        if view.moved.what is not What.PAID_OUT:
            return None
        count = view.account.count(What.PAID_OUT, within_s)
        return f"{count} payouts were asked for in {_span(within_s)}" if count > at_most else None

    return Rule(name="payout_velocity", look=look, readings=(Reading(What.PAID_OUT, within_s),), hold=hold)


def refund_ratio(*, at_most: float, least_refunds: int = 10, within_s: float = DAY_S) -> Rule:
    """Refunds of more than this share of what was paid (0.2 for a fifth), once there were ``least_refunds`` of them."""
    if not at_most > 0.0:
        raise ConfigurationError(f"refund_ratio at_most is a share above 0, like 0.2, got {at_most}")
    _at_least(least_refunds, 1, "refund_ratio least_refunds")

    def look(view: View) -> str | None:
        currency = view.moved.amount.currency
        if view.moved.what is not What.REFUNDED or view.account.count(What.REFUNDED, within_s) < least_refunds:
            return None
        paid = view.account.total_minor(What.PAID, within_s, currency)
        back = view.account.total_minor(What.REFUNDED, within_s, currency)
        if back <= at_most * paid:
            return None
        share = f"{back / paid:.0%}" if paid else "more"
        return f"{share} of what was paid in {currency} in {_span(within_s)} was given back"

    return Rule(
        name="refund_ratio", look=look, readings=(Reading(What.PAID, within_s), Reading(What.REFUNDED, within_s))
    )


def night_burst(
    *, at_most: int, time_zone: str, from_hour: int = 0, to_hour: int = 6, within_s: float = 600.0, hold: bool = False
) -> Rule:
    """More than ``at_most`` attempts at one account at night: from ``from_hour`` to before ``to_hour`` there."""
    _at_least(at_most, 1, "night_burst at_most")
    if not (0 <= from_hour < 24 and 0 <= to_hour < 24) or from_hour == to_hour:
        raise ConfigurationError("night_burst from_hour and to_hour are two different hours from 0 to 23")
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(f"no time zone {time_zone!r} is known; write one like Asia/Shanghai") from error

    def look(view: View) -> str | None:
        if view.moved.what is not What.ORDERED:
            return None
        local = view.moved.at.astimezone(zone)
        past, before = local.hour >= from_hour, local.hour < to_hour
        if not (past and before if from_hour < to_hour else past or before):
            return None
        count = view.account.count(What.ORDERED, within_s)
        if count <= at_most:
            return None
        return f"{count} payments were asked for in {_span(within_s)} at {local:%H:%M} ({time_zone})"

    return Rule(name="night_burst", look=look, readings=(Reading(What.ORDERED, within_s),), hold=hold)


RULES: dict[str, Callable[..., Rule]] = {
    rule.__name__: rule
    for rule in (
        amount_jump, payer_velocity, payer_orders, payer_declines, account_velocity, payout_velocity, refund_ratio,
        night_burst,
    )
}  # fmt: skip
"""The rules that can be configured, by name."""


def _payer(moved: Moved) -> str:
    return moved.payer


def _at_least(value: float, least: float, what: str) -> None:
    if value < least:
        raise ConfigurationError(f"{what} is at least {least:g}, got {value:g}")


def _of_payer(at_most: int, rule: str) -> None:
    # an attempt and its end are two things that are remembered
    if not 1 <= at_most < PAYER_AT_MOST // 2:
        raise ConfigurationError(f"{rule} at_most is from 1 to {PAYER_AT_MOST // 2 - 1}, got {at_most}")


def _span(seconds: float) -> str:
    for unit_s, unit in ((DAY_S, "days"), (HOUR_S, "h"), (60.0, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"
