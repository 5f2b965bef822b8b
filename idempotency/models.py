"""The answers that are replayed."""

from django.db import models


class IdempotencyKey(models.Model):
    """A request that was answered: the stored answer is replayed byte for byte."""

    principal = models.TextField()
    key = models.CharField(max_length=255)
    request_digest = models.BinaryField()
    status = models.SmallIntegerField()
    body = models.BinaryField()
    headers = models.JSONField(default=dict, help_text="beside the content type")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "idempotency_key"
        constraints = [
            # The key first: this index also serves the admin's search by key.
            models.UniqueConstraint(fields=["key", "principal"], name="idempotency_key_once_per_principal"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"
