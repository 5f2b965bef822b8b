"""API tokens."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class ApiToken(models.Model):
    """A bearer token of a user. The token itself is shown once, when it is made; only its SHA-256 is kept."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    digest = models.BinaryField(unique=True)
    scopes = ArrayField(models.TextField(), help_text="what it may be used for")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API token"
        constraints = [models.CheckConstraint(condition=~Q(scopes=[]), name="api_token_has_a_scope")]

    def __str__(self) -> str:
        return f"token {self.pk} of {self.owner}"
