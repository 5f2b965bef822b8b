"""The answers under idempotency keys."""

import time

from django.db import models


class StoredAnswer(models.Model):
    """The first answer under a key; what comes later under the key gets it byte for byte."""

    key = models.TextField(primary_key=True)
    endpoint = models.TextField()
    request_digest = models.TextField()
    status = models.IntegerField()
    body = models.BinaryField()
    replays = models.IntegerField(default=0)
    created = models.FloatField(default=time.time)

    class Meta:
        indexes = [models.Index(fields=["created"], name="stored_answer_oldest_first")]

    def __str__(self) -> str:
        return self.key
