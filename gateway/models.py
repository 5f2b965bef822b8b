"""What the provider remembers: intents, charges, and the answers under idempotency keys."""

from django.db import models


class Intent(models.Model):
    """One PaymentIntent and, when it succeeded, its charge. `amount` in minor units, `currency` in lower case."""

    id = models.TextField(primary_key=True)
    charge_id = models.TextField(unique=True, null=True)  # noqa: DJ001  (null: refused, no charge)
    status = models.TextField()
    amount = models.IntegerField()
    currency = models.TextField()
    metadata = models.JSONField()
    idempotency_key = models.TextField()
    created = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["created", "id"], name="intent_newest_first")]

    def __str__(self) -> str:
        return self.id


class StoredAnswer(models.Model):
    """The first answer under a key; what comes later under the key gets it byte for byte."""

    key = models.TextField(primary_key=True)
    request_digest = models.TextField()
    status = models.IntegerField()
    body = models.BinaryField()
    replays = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.key
