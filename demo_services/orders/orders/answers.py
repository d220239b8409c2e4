"""How an error is answered."""

from typing import Any

from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer, with the ID to quote to support added when the fault is ours."""
    response = exception_handler(error, context)
    if response is not None and response.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        from django_observe import correlation_id

        response.data["correlation_id"] = correlation_id()
        response["Retry-After"] = "5"
    return response
