"""A view that knows who asks, and a dependency that is away: what of both gets out is up to the settings."""

from __future__ import annotations

from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse

USER = "person-4711"


def account(request: HttpRequest, email: str) -> HttpResponse:
    """Looks its user up, as an authentication would; 500 for `?fail=`."""
    request.user = SimpleNamespace(pk=USER, username=email)  # type: ignore[assignment]
    if "fail" in request.GET:
        raise LookupError("no such account")
    return HttpResponse("yours")


def away() -> None:
    """A readiness check."""
    raise ConnectionError("no answer from warehouse-7.internal")
