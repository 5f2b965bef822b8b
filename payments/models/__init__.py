"""Payments, the calls to the gateway that they need, refunds, disputes, and what the gateway told of."""

from payments.models.dispute import Dispute
from payments.models.gateway_call import GatewayCall
from payments.models.gateway_look import GatewayLook
from payments.models.payment import Payment
from payments.models.refund import Refund

__all__ = ["Dispute", "GatewayCall", "GatewayLook", "Payment", "Refund"]
