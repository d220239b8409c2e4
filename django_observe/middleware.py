"""The one middleware, native in sync and in async: binds the request, times it, reports it, echoes its ID."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as django_settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from django_observe import endpoints, streaming
from django_observe.observation import Observation
from django_observe.reporting import guard

PATH = "django_observe.middleware.ObserveMiddleware"
_OPENTELEMETRY = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class ObserveMiddleware:
    """First in MIDDLEWARE, so that every answer has passed it: 404, 500 and DisallowedHost included."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Observes a request in the mode of the stack around it."""
        if self._is_async:
            return self.__acall__(request)
        own, observation = _begun(request)
        if observation is None:
            return self.get_response(request)
        with observation:
            response = own(request) if own else cast("HttpResponseBase", self.get_response(request))
            return _answered(response, observation, own=own is not None)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """The same in async; no thread is entered on the way."""
        own, observation = _begun(request)
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        if observation is None:
            return await get_response(request)
        with observation:
            response = await endpoints.answer(own, request) if own else await get_response(request)
            return _answered(response, observation, own=own is not None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Notes that the view raised, answered or not: django-prometheus counts those."""
        observation: Observation | None = getattr(request, "_django_observe", None)
        if observation is not None:
            observation.view_exception = type(exception).__name__


def install() -> None:
    """Puts the middleware first into settings.MIDDLEWARE, in place; after OpenTelemetry's own if listed.

    Where it is listed already, by hand or by an earlier call, nothing changes.
    """
    got_request_exception.connect(_note_exception, dispatch_uid="django_observe.middleware", weak=False)
    given = django_settings.MIDDLEWARE
    if PATH in given:
        return
    position = given.index(_OPENTELEMETRY) + 1 if _OPENTELEMETRY in given else 0
    if isinstance(given, list) and django_settings.is_overridden("MIDDLEWARE"):
        given.insert(position, PATH)
    else:
        django_settings.MIDDLEWARE = type(given)([*given[:position], PATH, *given[position:]])


def _begun(request: HttpRequest) -> tuple[endpoints.Endpoint | None, Observation | None]:
    with guard("middleware"):
        own = endpoints.endpoint(request)
        return own, Observation(request, traced=own is None)
    return None, None


def _answered(response: HttpResponseBase, observation: Observation, *, own: bool) -> HttpResponseBase:
    """Echoes the ID and ends the observation: now, or for a stream when its body ends.

    Our own answers (scrapes, probes) are told only when they fail.
    """
    with guard("middleware"):
        observation.echo(response)
    with guard("middleware"):
        if own and response.status_code < 400:  # noqa: PLR2004
            observation.forget()
        elif response.streaming:
            streaming.observe(cast("StreamingHttpResponse", response), observation)
        else:
            observation.end(response, bytes_out=len(cast("HttpResponse", response).content))
    return response


def _note_exception(*, request: HttpRequest | None = None, **_: object) -> None:
    """Receiver of `got_request_exception`, which Django sends for the exception behind every 500."""
    observation: Observation | None = getattr(request, "_django_observe", None)
    error = sys.exc_info()[1]
    if observation is not None and error is not None:
        observation.failed(error)
