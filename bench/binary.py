"""Statements whose arrays travel in binary, as the inbox's do: as text they would be slower, and the limits too low."""

from typing import Any

from django.db import connection
from psycopg import Cursor


def execute(statement: str, *columns: list[str]) -> list[tuple[Any, ...]]:
    """Run the statement in the current transaction; return what came back."""
    with Cursor(connection.connection) as cursor:
        cursor.execute(statement, columns)
        return cursor.fetchall() if cursor.description else []
