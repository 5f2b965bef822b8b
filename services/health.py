"""GET /health: can this process do its work? 200 or 503, for load balancers and Compose."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def health(request: HttpRequest) -> JsonResponse:
    """Ask the database for the newest applied migration; the text of an error says what is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id DESC LIMIT 1")
            row = cursor.fetchone()
    except DatabaseError as error:
        return JsonResponse({"status": "red", "database": str(error)}, status=503)
    return JsonResponse({"status": "green", "database": row and row[0]})
