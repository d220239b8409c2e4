"""Cross-origin sending to the OTLP port, for the one browser origin that --cors-origin names."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_observe.console.access import TOKEN_HEADER

_ALLOWED: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": f"Content-Type, Content-Encoding, Authorization, {TOKEN_HEADER}",
    "Access-Control-Max-Age": "600",
}


def is_welcome(request: HttpRequest, origin: str) -> bool:
    """Whether the request comes from `origin`; an empty one welcomes nobody."""
    return bool(origin) and request.headers.get("Origin") == origin


def preflight(request: HttpRequest) -> HttpResponse | None:
    """The answer to the question that browsers ask ahead of a POST, if this is that question."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    return HttpResponse(status=204, headers=_ALLOWED)


def allow(response: HttpResponseBase, origin: str) -> None:
    """Lets scripts of `origin` read the answer."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
