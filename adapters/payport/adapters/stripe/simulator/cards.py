"""Stripe's published test payment methods: what happens is written in the number itself.

Source: Stripe's documentation, "testing".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How a payment method behaves. ``code``, ``decline_code``: of the refusal, when it is refused.

    ``authentication``: 3-D Secure is asked for when the payer is there. ``debit``: a bank debit, final days later.
    """

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    message: str = "Your card was declined."
    authentication: bool = False
    debit: bool = False
    debit_fails: bool = False
    disputed: str | None = None
    refund: str = "succeeded"
    refund_fails_later: bool = False


def _declined(decline_code: str, last4: str, code: str = "card_declined", message: str = "") -> Card:
    text = message or "Your card was declined."
    return Card(code=code, decline_code=decline_code, last4=last4, message=text)


CARDS: dict[str, Card] = {
    "pm_card_visa": Card(),
    "pm_card_visa_debit": Card(last4="5556"),
    "pm_card_mastercard": Card(brand="mastercard", last4="4444"),
    "pm_card_amex": Card(brand="amex", last4="0005"),
    "pm_card_jcb": Card(brand="jcb", last4="0505"),
    "pm_card_unionpay": Card(brand="unionpay", last4="0005"),
    "pm_card_chargeDeclined": _declined("generic_decline", "0002"),
    "pm_card_visa_chargeDeclined": _declined("generic_decline", "0002"),
    "pm_card_chargeDeclinedInsufficientFunds": _declined(
        "insufficient_funds", "9995", message="Your card has insufficient funds."
    ),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined(
        "insufficient_funds", "9995", message="Your card has insufficient funds."
    ),
    "pm_card_chargeDeclinedLostCard": _declined("lost_card", "9987"),
    "pm_card_chargeDeclinedStolenCard": _declined("stolen_card", "9979"),
    "pm_card_chargeDeclinedFraudulent": _declined("fraudulent", "0019"),
    "pm_card_chargeDeclinedVelocityLimitExceeded": _declined("card_velocity_exceeded", "6975"),
    "pm_card_chargeDeclinedExpiredCard": Card(code="expired_card", last4="0069", message="Your card has expired."),
    "pm_card_chargeDeclinedIncorrectCvc": Card(
        code="incorrect_cvc", last4="0127", message="Your card's security code is incorrect."
    ),
    "pm_card_chargeDeclinedProcessingError": Card(
        code="processing_error", last4="0119", message="An error occurred while processing your card."
    ),
    "pm_card_authenticationRequired": Card(authentication=True, last4="3184"),
    "pm_card_threeDSecureRequired": Card(authentication=True, last4="3063"),
    "pm_card_threeDSecure2Required": Card(authentication=True, last4="3220"),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        authentication=True,
        last4="3178",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    "pm_card_createDispute": Card(disputed="fraudulent", last4="0259"),
    "pm_card_createDisputeProductNotReceived": Card(disputed="product_not_received", last4="2685"),
    "pm_card_pendingRefund": Card(refund="pending", last4="7726"),
    "pm_card_refundFail": Card(refund_fails_later=True, last4="5126"),
    "pm_usBankAccount_success": Card(debit=True, last4="6789", brand="us_bank_account"),
    "pm_usBankAccount_insufficientFunds": Card(debit=True, debit_fails=True, last4="6789", brand="us_bank_account"),
}
DEFAULT = "pm_card_visa"
