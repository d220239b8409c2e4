"""What the forms of the settings page do. Each is a POST, answered with the page that shows the result."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from django_observe.console import clearing, preferences, sample
from django_observe.console.instance import console_of
from django_observe.console.page import failure
from django_observe.console.writer import BusyError

CONFIRMATION: Final = "clear"
_YEAR_SECONDS: Final = 365 * 24 * 3600


@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """POST /settings/clear with `confirm=clear`: forgets everything that was received."""
    if request.POST.get("confirm", "").strip().lower() != CONFIRMATION:
        return failure(
            request,
            400,
            "Nothing was cleared.",
            f"Type {CONFIRMATION} into the field to say that you mean it.",
        )
    console = console_of(request)
    try:
        console.writer.perform(clearing.clear)
    except BusyError as fault:
        return failure(request, 503, "Nothing was cleared.", f"Try again: {fault}.")
    console.feed.tell()
    return HttpResponseRedirect("/settings", status=303)


@require_POST
def send_sample(request: HttpRequest) -> HttpResponse:
    """POST /settings/sample: sends a trace to the OTLP port and shows it."""
    try:
        trace_id = sample.send(console_of(request))
    except sample.NotArrivedError as fault:
        return failure(request, 502, "The test trace did not arrive.", f"{fault}.")
    return HttpResponseRedirect(f"/trace/{trace_id}", status=303)


@require_POST
def zone(request: HttpRequest) -> HttpResponse:
    """POST /settings/zone with `zone=utc` or `local`: how this browser is shown times."""
    response = HttpResponseRedirect("/settings", status=303)
    if request.POST.get("zone") == "utc":
        response.set_cookie(preferences.ZONE_COOKIE, "utc", max_age=_YEAR_SECONDS, samesite="Strict")
    else:
        response.delete_cookie(preferences.ZONE_COOKIE, samesite="Strict")
    return response
