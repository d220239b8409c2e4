"""What observing a request costs beside time: nothing for the garbage collector, and no way to copy it."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from typing import Any

import pytest
from asgiref.local import Local
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.urls import path
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from django_observe import middleware, streaming, traces
from django_observe.middleware import ObserveMiddleware
from django_observe.observation import Observation
from django_observe.serverspan import ServerSpans

pytestmark = pytest.mark.urls(__name__)

REQUESTS = 20


def ok(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


def boom(request: HttpRequest) -> HttpResponse:
    raise LookupError("no such shelf")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter(["begin", " end"]))


urlpatterns = [path("ok/<int:number>/", ok), path("boom/", boom), path("stream/", stream)]


@pytest.fixture(autouse=True)
def _connections_stay() -> Iterator[None]:
    """As Django's test client has it: those are a test's."""
    ends = (request_started, request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _locals_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python 3.10 an AttributeError of asgiref's leaves a cycle: its frames, and each request in them."""

    def storage(self: Local) -> AbstractContextManager[object]:
        return nullcontext(self._storage)

    if sys.version_info < (3, 11):
        monkeypatch.setattr(Local, "_lock_storage", storage)


@pytest.fixture(params=[None, ALWAYS_OFF, ALWAYS_ON], ids=["untraced", "unsampled", "sampled"])
def _traced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = None
    if request.param is not None:
        spans = ServerSpans()
        spans._tracer = TracerProvider(sampler=request.param, shutdown_on_exit=False).get_tracer("test")
        begin = spans.begin
    monkeypatch.setattr(traces, "_begin", begin)


def left_by(where: str, middlewares: list[str]) -> int:
    """Objects that wait for the garbage collector after some requests."""
    with override_settings(MIDDLEWARE=middlewares):
        handler = WSGIHandler()
        for number in range(REQUESTS + 1):
            environ = {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": where,
                "QUERY_STRING": f"q={number}",
                "SERVER_NAME": "testserver",
                "SERVER_PORT": "80",
                "HTTP_HOST": "testserver",
                "REMOTE_ADDR": "127.0.0.1",
                "wsgi.url_scheme": "http",
                "wsgi.input": BytesIO(b"body"),
            }
            response = handler(environ, lambda *_: lambda _: None)
            b"".join(response)
            response.close()
            del response, environ
            if number == 0:
                gc.collect()
        return gc.collect()


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("where", ["/ok/17/", "/nowhere/", "/boom/", "/stream/"])
def test_a_request_leaves_nothing_to_the_garbage_collector(where: str) -> None:
    """What waits for it holds requests, bodies and all, in memory. Another thread may leave some, once."""
    gc.disable()
    try:
        assert any(left_by(where, [middleware.PATH]) <= left_by(where, []) for _ in range(3))
    finally:
        gc.enable()


def test_a_close_that_somebody_wrapped_after_us_stays() -> None:
    response = StreamingHttpResponse(iter([b"begin"]))
    streaming.observe(response, Observation(RequestFactory().get("/stream/")))
    ours, called = response.close, []

    def theirs() -> None:
        called.append(True)
        ours()

    response.close = theirs  # type: ignore[method-assign]
    response.close()
    response.close()
    assert len(called) == 2


def pickled(request: HttpRequest) -> Any:
    return pickle.loads(pickle.dumps(request))  # noqa: S301 - it is ours


@pytest.mark.parametrize("copied", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_a_request_is_copied_as_without_us(
    factory: type[RequestFactory], copied: Callable[[HttpRequest], Any]
) -> None:
    """By a middleware of the project's, or a view that hands it on."""
    found: list[tuple[type, set[str]]] = []

    def view(request: HttpRequest) -> HttpResponse:
        made = copied(request)
        found.append((type(made), set(vars(made)) - {"_django_observe", "correlation_id"}))
        return HttpResponse()

    for serve in (view, ObserveMiddleware(view)):
        serve(factory().get("/ok/17/"))
    assert found[0] == found[1]


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_a_copy_is_not_under_observation(copied: Callable[[HttpRequest], Any]) -> None:
    request = RequestFactory().get("/ok/17/")
    observation = Observation(request)
    made = copied(request)
    assert made._django_observe is None
    assert made.correlation_id == observation.correlation_id
