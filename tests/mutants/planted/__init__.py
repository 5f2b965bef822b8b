"""The planted bugs, a module for each app that they are planted in."""

from tests.mutants.planted import api, billing, gateway, inbox, outbox, payments, projections, reconciliation

MUTANTS = [
    *api.MUTANTS, *billing.MUTANTS, *gateway.MUTANTS, *inbox.MUTANTS, *outbox.MUTANTS, *payments.MUTANTS,
    *projections.MUTANTS, *reconciliation.MUTANTS,
]  # fmt: skip
