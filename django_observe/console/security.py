"""The only middleware of both listeners: who may talk to them, what a browser may do with the answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_observe.console.instance import console_of

INGEST_URLS: Final = "django_observe.console.ingest_urls"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def guard_listener(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuses DNS rebinding (Host) and cross-site requests, picks the listener's URLs, sets the headers."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        console = console_of(request)
        ingest = int(request.META["SERVER_PORT"]) == console.otlp_port
        request.urlconf = INGEST_URLS if ingest else None
        response = _refusal(request, console.host, ingest=ingest) or get_response(request)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def _refusal(request: HttpRequest, bound: str, *, ingest: bool) -> HttpResponse | None:
    if not known_host(request.META.get("HTTP_HOST", ""), bound):
        reason, status = (
            f"This console answers only to localhost and {bound}, not to the Host header sent.",
            421,
        )
    elif _is_foreign(request, ingest=ingest):
        reason, status = "Requests from other sites are refused.", 403
    else:
        return None
    if ingest:
        console_of(request).intake.refuse(status, reason)
    return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")


def known_host(header: str, bound: str) -> bool:
    """Whether a Host header names this machine: localhost, *.localhost, or the very address that is bound."""
    matched = _HOST.fullmatch(header)
    if not matched:
        return False
    name = matched[1].lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")) == ipaddress.ip_address(bound)
    except ValueError:
        return False


def _is_foreign(request: HttpRequest, *, ingest: bool) -> bool:
    """Cross-site requests are foreign, except that a link to a page may be followed from anywhere."""
    if request.headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    followed_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return ingest or not followed_link
