"""Pinning a trace, so that eviction passes it over."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect

from django_observe.console import limits, pins
from django_observe.console.instance import console_of
from django_observe.console.page import failure
from django_observe.console.traceid import is_trace_id
from django_observe.console.writer import BusyError


def pin(request: HttpRequest, trace_id: str) -> HttpResponse:
    """POST /trace/<trace_id>/pin with `pinned=1` or `pinned=0`; back to the trace."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not is_trace_id(trace_id) or request.POST.get("pinned") not in ("0", "1"):
        return failure(request, 400, "That cannot be pinned.", "A trace ID and pinned=0 or 1 are accepted.")
    key, wanted = bytes.fromhex(trace_id), request.POST["pinned"] == "1"
    console = console_of(request)
    try:
        console.writer.perform(
            lambda connection: (
                pins.pin(connection, key, console.retention) if wanted else pins.unpin(connection, key)
            )
        )
    except BusyError as fault:
        return failure(request, 503, "That was not done.", f"Try again: {fault}.")
    with console.store.reading() as connection:
        done = pins.is_pinned(connection, key) is wanted
    if not done:
        advice = (
            f"It is no longer stored, or {limits.PINNED_TRACES} traces or half of what is kept at most are "
            "pinned already: unpin one."
        )
        return failure(request, 409, "This trace was not pinned.", advice)
    console.feed.tell()
    return HttpResponseRedirect(f"/trace/{trace_id}", status=303)
