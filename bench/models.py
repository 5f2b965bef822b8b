"""What the bench's handlers write. The table is made by bench/sql.py for each run of the bench."""

from django.db import models


class Effect(models.Model):
    """One row an event: the least that a handler does."""

    event_id = models.TextField(primary_key=True)
    aggregate = models.TextField()

    class Meta:
        managed = False
        db_table = "bench_effect"

    def __str__(self) -> str:
        return self.event_id
