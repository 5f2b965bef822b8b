"""The objects as they stand on the wire. Members that say nothing here are left out; the names are Stripe's."""

from typing import Any

from gateway.models import Charge, Dispute, Intent, Refund

Object = dict[str, Any]


def as_intent(intent: Intent) -> Object:
    """https://docs.stripe.com/api/payment_intents/object"""
    capturable = intent.status == Intent.Status.REQUIRES_CAPTURE
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount if capturable else 0,
        "amount_received": intent.amount_received,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": f"{intent.id}_secret_of_nobody",
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": None,
        "description": intent.description,
        "last_payment_error": intent.last_payment_error,
        "latest_charge": intent.latest_charge_id,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": {"type": "use_stripe_sdk"} if intent.status == Intent.Status.REQUIRES_ACTION else None,
        "payment_method": intent.payment_method,
        "payment_method_types": ["card"],
        "status": intent.status,
    }


def as_charge(charge: Charge) -> Object:
    """https://docs.stripe.com/api/charges/object

    `amount_refunded` holds what was released too: "the remaining amount_capturable is automatically refunded"
    (https://docs.stripe.com/api/payment_intents/cancel).
    """
    returned = charge.amount_refunded + charge.amount_released
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": returned,
        "captured": charge.amount_captured > 0,
        "created": charge.created,
        "currency": charge.intent.currency,
        "disputed": charge.is_disputed,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "livemode": False,
        "metadata": charge.intent.metadata,
        "paid": charge.status == Charge.Status.SUCCEEDED,
        "payment_intent": charge.intent_id,
        "payment_method": charge.payment_method,
        "refunded": returned == charge.amount,
        "status": charge.status,
    }


def as_refund(refund: Refund) -> Object:
    """https://docs.stripe.com/api/refunds/object"""
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": refund.charge_id,
        "created": refund.created,
        "currency": refund.charge.intent.currency,
        "failure_reason": "unknown" if refund.status == Refund.Status.FAILED else None,
        "metadata": refund.metadata,
        "payment_intent": refund.charge.intent_id,
        "reason": refund.reason,
        "status": refund.status,
    }


def as_dispute(dispute: Dispute) -> Object:
    """https://docs.stripe.com/api/disputes/object"""
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "charge": dispute.charge_id,
        "created": dispute.created,
        "currency": dispute.charge.intent.currency,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": dispute.charge.intent_id,
        "reason": dispute.reason,
        "status": dispute.status,
    }
