"""manage.py make_token: make an API token for this service and print it, once."""

import os
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from access.bearer import known_scopes
from access.exceptions import AccessError, UnknownScopeError
from access.tokens import make_token


class Command(BaseCommand):
    help = "Make an API token of this service and print it: it cannot be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--owner", required=True, help="user name; one that is new is made, without a password")
        scopes = parser.add_mutually_exclusive_group(required=True)
        scopes.add_argument("--scopes", nargs="+", metavar="SCOPE", help="for example payments:read")
        scopes.add_argument("--all-scopes", action="store_true", help="every scope of this service")
        parser.add_argument("--days", type=float, help="how long it is valid (default: until it is revoked)")
        parser.add_argument("--token-from", metavar="VARIABLE", help="take the token from the environment")

    def handle(self, *args: Any, owner: str, days: float | None, token_from: str | None, **options: Any) -> None:
        scopes = known_scopes() if options["all_scopes"] else options["scopes"]
        try:
            _refuse_unknown(scopes)
            user, is_new = User.objects.get_or_create(username=owner)
            if is_new:
                user.set_unusable_password()
                user.save()
            token, number = make_token(user, scopes=scopes, days=days, token=_chosen(token_from))
        except AccessError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"token {number} of {owner}{' (new)' if is_new else ''} for {', '.join(scopes)}")
        if token_from is None:
            self.stdout.write(token)


def _refuse_unknown(scopes: list[str]) -> None:
    if unknown := sorted(set(scopes) - set(known_scopes())):
        raise UnknownScopeError(f"{', '.join(unknown)}: the scopes of this service are {', '.join(known_scopes())}")


def _chosen(variable: str | None) -> str:
    if variable is None:
        return ""
    if not os.environ.get(variable):
        raise CommandError(f"{variable} is not set: put the token there, or leave --token-from out")
    return os.environ[variable]
