"""What wraps every view: the API key, the method, errors in Stripe's shape, a Request-Id."""

import functools
import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from gateway.errors import StripeError

Response = HttpResponse | StreamingHttpResponse
View = Callable[..., Response]


def api(*methods: str) -> Callable[[View], View]:
    """Wrap a view: the API key is asked for, errors get Stripe's shape, every answer a Request-Id."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, **path: str) -> Response:
            try:
                _authenticate(request)
                if request.method not in methods:
                    raise StripeError(405, "invalid_request_error", f"{request.method} is not known here")
                response = view(request, **path)
            except StripeError as error:
                response = JsonResponse(error.body, status=error.status)
            response["Request-Id"] = f"req_{secrets.token_hex(7)}"
            return response

        return answer

    return wrap


def _authenticate(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not secrets.compare_digest(given.encode(), settings.API_KEY.encode()):
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {given[:8]}...")
