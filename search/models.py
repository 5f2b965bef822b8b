"""What is indexed of each invoice. The rows are made by a trigger: migrations/0002_waiting.sql."""

from django.db import models
from django.db.models import F, Q

from billing.models import Invoice


class IndexedInvoice(models.Model):
    """An invoice, how often it has changed, and up to which change it is in the index; it waits while they differ."""

    invoice = models.OneToOneField(Invoice, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.BigIntegerField(help_text="rises with every change of the invoice's row: the external version")
    indexed_version = models.BigIntegerField(help_text="what the index has, or a later one")
    changed_at = models.DateTimeField(help_text="when the oldest change that waits was made")
    due_at = models.DateTimeField(help_text="from then on a sweep takes it: changed, sent without an answer, next try")
    attempts = models.IntegerField(help_text="since it was indexed last")
    problem = models.TextField(blank=True, help_text="why the last attempt failed")

    class Meta:
        ordering = ["-invoice_id"]
        indexes = [
            models.Index(fields=["due_at"], name="indexed_invoice_due", condition=Q(indexed_version__lt=F("version"))),
            models.Index(
                fields=["changed_at"], name="indexed_invoice_waits", condition=Q(indexed_version__lt=F("version"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}: {self.indexed_version} of {self.version}"
