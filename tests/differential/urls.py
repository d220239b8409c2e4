"""Views that answer, fail, stream and work, and a middleware that fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import include, path, re_path
from opentelemetry import trace
from opentelemetry.trace import StatusCode


def answer(request: HttpRequest, **_: object) -> HttpResponse:
    return HttpResponse(status=int(request.GET.get("status", 200)), headers={"X-Shelf": "upper"})


async def answer_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


RAISED = {
    "error": LookupError("no such shelf"),
    "404": Http404("no such book"),
    "403": PermissionDenied("closed"),
    "400": SuspiciousOperation("odd"),
    "chained": ValueError("outer"),
}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    raise RAISED[how] from KeyError("inner") if how == "chained" else None


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one", b"two"]))


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield b"one"
        raise LookupError("the rest is gone")

    return StreamingHttpResponse(chunks())


def work(request: HttpRequest) -> HttpResponse:
    """A query, a call and a span of the project's own, all within the request."""
    import requests

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    requests.get(f"{os.environ['SERVICE']}/200", timeout=5)
    with trace.get_tracer("shop").start_as_current_span("pack", attributes={"shelf": 3}):
        return HttpResponse()


def annotate(request: HttpRequest) -> HttpResponse:
    """What a project may do with the request's span."""
    span = trace.get_current_span()
    span.set_attribute("shop.customer", "gold")
    span.add_event("packed", {"boxes": 2})
    span.record_exception(LookupError("handled"))
    return HttpResponse()


def rename(request: HttpRequest) -> HttpResponse:
    trace.get_current_span().update_name("checkout")
    return HttpResponse()


def refuse(request: HttpRequest) -> HttpResponse:
    trace.get_current_span().set_status(StatusCode.ERROR, "sold out")
    return HttpResponse()


def failing(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A middleware of the project's that raises where it is asked to."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path == "/orders/99/":
            raise LookupError("no such middleware")
        request.shelf = "upper" if request.path == "/orders/77/" else None  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


urlpatterns = [
    path("orders/", answer, name="orders"),
    path("orders/<int:number>/", answer),
    path("async/", answer_async),
    path("within/", include([path("deep/<slug:title>/", answer)])),
    re_path(r"^old/(?P<slug>[a-z]+)/$", answer, name="old"),
    path("fail/<str:how>/", fail),
    path("stream/", stream),
    path("broken/", broken_stream),
    path("work/", work),
    path("annotate/", annotate),
    path("rename/", rename),
    path("refuse/", refuse),
    path("", answer),
]
