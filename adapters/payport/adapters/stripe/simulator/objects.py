"""Stripe's records as JSON, as its OpenAPI description of the pinned version has them."""

from __future__ import annotations

from payport.adapters.stripe.simulator.calls import Node
from payport.adapters.stripe.simulator.cards import CARDS
from payport.adapters.stripe.simulator.rows import (
    ChargeRow,
    IntentRow,
    LineRow,
    PayoutRow,
    RefundRow,
    SessionRow,
)

_CATEGORIES = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "adjustment": "dispute",
}


def intent_node(row: IntentRow, *, whole_charge: bool = False) -> Node:
    """A PaymentIntent."""
    charge: object = None if row.charge is None else row.charge.id
    if whole_charge and row.charge is not None:
        charge = charge_node(row, row.charge)
    return {
        "id": row.id,
        "object": "payment_intent",
        "amount": row.amount,
        "amount_capturable": row.capturable,
        "amount_details": {"tip": {}},
        "amount_received": row.received,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {
            "allow_redirects": "always" if row.redirects else "never",
            "enabled": True,
        },
        "canceled_at": row.canceled_at,
        "cancellation_reason": row.cancellation_reason,
        "capture_method": row.capture_method,
        "client_secret": row.client_secret,
        "confirmation_method": "automatic",
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "customer": row.customer,
        "description": row.description,
        "last_payment_error": row.last_error,
        "latest_charge": charge,
        "livemode": False,
        "metadata": dict(row.metadata),
        "next_action": row.next_action,
        "on_behalf_of": None,
        "payment_method": row.payment_method,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": row.setup_future_usage,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": row.status,
        "transfer_data": None,
        "transfer_group": None,
    }


def charge_node(intent: IntentRow, row: ChargeRow) -> Node:
    """A charge."""
    card = CARDS[row.payment_method]
    debit = card.debit and intent.status == "processing"
    return {
        "id": row.id,
        "object": "charge",
        "amount": row.amount,
        "amount_captured": row.captured,
        "amount_refunded": row.amount if row.released else row.refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": row.transaction,
        "billing_details": _billing(),
        "captured": row.captured > 0,
        "created": row.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "description": intent.description,
        "disputed": row.disputed,
        "failure_code": None if row.failure is None else row.failure.get("code"),
        "failure_message": None if row.failure is None else row.failure.get("message"),
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent.metadata),
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network" if row.paid else "declined_by_network",
            "reason": None,
            "seller_message": "Payment complete." if row.paid else "The bank did not return any further details.",
            "type": "authorized" if row.paid else "issuer_declined",
        },
        "paid": row.paid and not debit,
        "payment_intent": intent.id,
        "payment_method": row.payment_method,
        "payment_method_details": {
            "card": {
                "brand": card.brand,
                "checks": None,
                "country": "US",
                "exp_month": 12,
                "exp_year": 2034,
                "funding": "credit",
                "last4": card.last4,
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": row.released or (row.captured > 0 and row.refunded == row.captured),
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending" if debit else "succeeded" if row.paid else "failed",
        "transfer_data": None,
        "transfer_group": None,
    }


def _billing() -> Node:
    return {
        "address": {
            "city": None,
            "country": None,
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": None,
        },
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }


def session_node(row: SessionRow, url: str, *, whole_intent: bool = False) -> Node:
    """A Checkout Session. ``url``: of its page, which is gone once it is used."""
    intent: object = None if row.intent is None else row.intent.id
    if whole_intent and row.intent is not None:
        intent = intent_node(row.intent, whole_charge=True)
    return {
        "id": row.id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": row.amount,
        "amount_total": row.amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": row.cancel_url,
        "client_reference_id": row.client_reference_id,
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": int(row.created.timestamp()),
        "currency": row.currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": row.customer,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": row.customer_email,
        "discounts": [],
        "expires_at": int(row.expires_at.timestamp()),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": dict(row.metadata),
        "mode": "payment",
        "payment_intent": intent,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": row.payment_status,
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": row.status,
        "submit_type": None,
        "subscription": None,
        "success_url": row.success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{url}/c/pay/{row.id}" if row.status == "open" else None,
    }


def refund_node(row: RefundRow) -> Node:
    """A refund."""
    node: Node = {
        "id": row.id,
        "object": "refund",
        "amount": row.amount,
        "balance_transaction": row.transaction,
        "charge": row.charge.id,
        "created": row.created,
        "currency": row.intent.currency,
        "metadata": dict(row.metadata),
        "payment_intent": row.intent.id,
        "reason": row.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": row.status,
        "transfer_reversal": None,
    }
    if row.status == "pending":
        node["pending_reason"] = "processing"
    if row.failure is not None:
        node["failure_reason"] = row.failure
    return node


def payout_node(row: PayoutRow) -> Node:
    """A payout."""
    return {
        "id": row.id,
        "object": "payout",
        "amount": row.amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": row.created + 2 * 86_400,
        "automatic": False,
        "balance_transaction": row.transaction,
        "created": row.created,
        "currency": row.currency,
        "description": row.description,
        "destination": row.destination,
        "failure_balance_transaction": None,
        "failure_code": row.failure,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(row.metadata),
        "method": row.method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": row.status,
        "trace_id": None,
        "type": "bank_account",
    }


def line_node(row: LineRow) -> Node:
    """A balance transaction: ``net`` is ``amount`` less ``fee``."""
    stamp = int(row.created.timestamp())
    fees: list[Node] = [
        {
            "amount": row.fee,
            "application": None,
            "currency": row.currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": row.id,
        "object": "balance_transaction",
        "amount": row.amount,
        "available_on": stamp + 2 * 86_400,
        "balance_type": "payments",
        "created": stamp,
        "currency": row.currency,
        "description": None,
        "exchange_rate": None,
        "fee": row.fee,
        "fee_details": fees if row.fee else [],
        "net": row.amount - row.fee,
        "reporting_category": _CATEGORIES[row.kind],
        "source": row.source,
        "status": "pending",
        "type": row.kind,
    }


def page(url: str, data: list[Node], *, more: bool = False) -> Node:
    """One page of a list."""
    return {"object": "list", "data": data, "has_more": more, "url": url}
