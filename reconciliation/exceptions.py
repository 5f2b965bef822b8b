"""What reconciliation raises.

ReconciliationError
└── SideUnreachableError    billing or the gateway did not answer, or refused
"""


class ReconciliationError(Exception):
    """Base of all errors of reconciliation. The message names the value and the next step."""


class SideUnreachableError(ReconciliationError):
    """Without all sides nothing is compared: the run ends, and says who is missing."""
