"""The planted bugs, a module for each app that they are planted in."""

from tests.mutants.planted import gateway, inbox, outbox, payments

MUTANTS = [*gateway.MUTANTS, *inbox.MUTANTS, *outbox.MUTANTS, *payments.MUTANTS]
