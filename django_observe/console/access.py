"""Who may use the console: a token in a header, or in the cookie that the printed URL leaves behind."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from django_observe.console.static_files import VERSION

TOKEN_HEADER: Final = "X-Observe-Token"  # noqa: S105 - a name
"""Takes the bare token, for senders that cannot put a blank into a header."""

_PARAMETER: Final = "token"
_HINT: Final = (
    "This console asks for its token: OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20<token>, "
    f"or the header {TOKEN_HEADER}. It was printed when the console started."
)


@dataclass(frozen=True)
class Access:
    """What the command line allows. Without a token everybody on this machine may read and send."""

    token: str = ""
    allowed_hosts: frozenset[str] = frozenset()
    cors_origin: str = ""


def new_token() -> str:
    """192 random bits, safe within a URL."""
    return secrets.token_urlsafe(24)


def challenge(request: HttpRequest, access: Access, *, ingest: bool) -> HttpResponse | None:
    """What to answer instead of the page: the sign-in of the printed URL, a 401, or None for "go on"."""
    if not access.token or _shows_header(request, access.token):
        return None
    if ingest:
        return _unauthorized(_HINT)
    if request.path.startswith("/static/") or _is_token(request.COOKIES.get(_cookie(request)), access.token):
        return _without_parameter(request) if _PARAMETER in request.GET else None
    if request.method == "GET" and _is_token(request.GET.get(_PARAMETER), access.token):
        return _signed_in(request, access.token)
    if request.path.startswith("/api/"):
        return _unauthorized(_HINT)
    return _challenge(render(request, "console/locked.html", {"version": VERSION}, status=401))


def _shows_header(request: HttpRequest, token: str) -> bool:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    bearer = credential.strip() if scheme.lower() == "bearer" else None
    return _is_token(bearer, token) or _is_token(request.headers.get(TOKEN_HEADER), token)


def _is_token(shown: str | None, token: str) -> bool:
    """Compares in constant time."""
    return shown is not None and hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode())


def _cookie(request: HttpRequest) -> str:
    """Browsers send cookies to all ports of a host: each console has a name of its own."""
    return f"observe_{request.META['SERVER_PORT']}"


def _signed_in(request: HttpRequest, token: str) -> HttpResponse:
    response = _without_parameter(request)
    response.set_cookie(_cookie(request), token, httponly=True, samesite="Strict")
    return response


def _without_parameter(request: HttpRequest) -> HttpResponse:
    """To the same page under an address that may be shown and shared."""
    query = request.GET.copy()
    del query[_PARAMETER]
    path = "/" + request.path.lstrip("/")  # `//evil.example` would be another host
    return HttpResponseRedirect(f"{path}?{query.urlencode()}" if query else path)


def _unauthorized(reason: str) -> HttpResponse:
    return _challenge(HttpResponse(reason, status=401, content_type="text/plain; charset=utf-8"))


def _challenge(response: HttpResponse) -> HttpResponse:
    response.headers["WWW-Authenticate"] = 'Bearer realm="console"'
    return response
