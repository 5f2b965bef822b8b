"""What the runs found."""

from django.db import models
from django.db.models import Q


class Run(models.Model):
    """A reconciliation of the last days, by beat or by a person, and its result. Written when it has ended."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(auto_now_add=True)
    first_moment = models.DateTimeField(help_text="payments made from then on were compared")
    payments = models.BigIntegerField(help_text="that were compared")
    on_their_way = models.BigIntegerField(help_text="that do not agree yet and are younger than the grace")
    differences = models.BigIntegerField()
    summary = models.TextField(help_text="the last line of its output")
    problem = models.TextField(blank=True, help_text="why it could not be finished")

    class Meta:
        verbose_name = "reconciliation"
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(differences__gte=0), name="run_counts_differences")]

    def __str__(self) -> str:
        return self.problem or self.summary
