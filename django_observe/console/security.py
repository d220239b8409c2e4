"""The only middleware of both listeners: who may talk to them, what a browser may do with the answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.gzip import gzip_page

from django_observe.console import access, cors
from django_observe.console.instance import Console, console_of

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
    "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null` with forms
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def guard_listener(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuses DNS rebinding (Host), cross-site requests and those without the token; sets the headers.

    It also picks the listener's URLs. Pages are compressed: no page holds the token,
    other sites cannot ask for one, and Django pads the answer against BREACH.
    """
    compressed = gzip_page(get_response)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        console = console_of(request)
        ingest = int(request.META["SERVER_PORT"]) == console.otlp_port
        request.urlconf = INGEST_URLS if ingest else None
        welcome = ingest and cors.is_welcome(request, console.access.cors_origin)
        response = (
            _refusal(request, console, ingest=ingest, welcome=welcome)
            or (cors.preflight(request) if welcome else None)
            or _challenge(request, console, ingest=ingest)
            or (get_response if ingest else compressed)(request)
        )
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        if isinstance(response, HttpResponse):  # a told length keeps the connection open
            response.headers.setdefault("Content-Length", str(len(response.content)))
        if welcome:
            cors.allow(response, console.access.cors_origin)
        return response

    return middleware


def _refusal(request: HttpRequest, console: Console, *, ingest: bool, welcome: bool) -> HttpResponse | None:
    if not known_host(request.META.get("HTTP_HOST", ""), console.bound, console.access.allowed_hosts):
        names = " and ".join(("localhost", *console.bound))
        reason = f"This console answers to {names}, not to the Host header sent (see --allowed-host)."
        status = 421
    elif _is_foreign(request, ingest=ingest) and not welcome:
        reason, status = "Requests from other sites are refused.", 403
    else:
        return None
    if ingest:
        console.intake.refuse(status, reason)
    return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")


def _challenge(request: HttpRequest, console: Console, *, ingest: bool) -> HttpResponse | None:
    response = access.challenge(request, console.access, ingest=ingest)
    if response is not None and ingest:
        console.intake.refuse(response.status_code, "The token is missing or wrong.")
    return response


def known_host(header: str, bound: Iterable[str], allowed: Collection[str] = ()) -> bool:
    """Whether a Host header names this machine: localhost, *.localhost, a bound address or an allowed name.

    When all addresses are bound (0.0.0.0, ::) any IP literal will do: rebinding needs a name.
    """
    matched = _HOST.fullmatch(header)
    if not matched:
        return False
    name = matched[1].lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost") or name in allowed:
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    listening = [ipaddress.ip_address(one) for one in bound]
    return address in listening or any(one.is_unspecified for one in listening)


def _is_foreign(request: HttpRequest, *, ingest: bool) -> bool:
    """Cross-site requests are foreign, except that a link to a page may be followed from anywhere."""
    if request.headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    followed_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return ingest or not followed_link
