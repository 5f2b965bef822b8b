"""Celery's share: what the calendar asks for. Losing a run or running twice is fine: the rows say what is due."""

from celery import shared_task
from django.utils import timezone

from billing import dunning, renewing


@shared_task(name="billing.renew_subscriptions")
def renew_subscriptions() -> int:
    """Invoice the billing cycles that have begun, by the day in UTC; return how many."""
    return renewing.renew_subscriptions(timezone.now().date())


@shared_task(name="billing.sweep_dunning")
def sweep_dunning() -> int:
    """Ask for the attempts that are due; return how many."""
    return dunning.ask_for_due_attempts()
