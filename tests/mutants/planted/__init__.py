"""The planted bugs, a module for each app that they are planted in, and one for the way of a webhook through two."""

from tests.mutants.planted import (
    api,
    billing,
    gateway,
    inbox,
    outbox,
    payments,
    projections,
    reconciliation,
    search,
    webhooks,
)

MUTANTS = [
    *api.MUTANTS, *billing.MUTANTS, *gateway.MUTANTS, *inbox.MUTANTS, *outbox.MUTANTS, *payments.MUTANTS,
    *projections.MUTANTS, *reconciliation.MUTANTS, *search.MUTANTS, *webhooks.MUTANTS,
]  # fmt: skip
