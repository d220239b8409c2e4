"""The one middleware, native in sync and in async: binds the request, times it, reports it, echoes its ID."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as django_settings
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.http.response import HttpResponseBase

PATH = "django_observe.middleware.ObserveMiddleware"
OPENTELEMETRY = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class ObserveMiddleware:
    """First in MIDDLEWARE, so that every answer has passed it: 404, 500 and DisallowedHost included."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        # Not above: `manage.py check` looks this class up and serves nothing (saves 80 M of 1,360 M)
        from django_observe import endpoints, observing

        self._begun, self._answered, self._own_answer = observing.begun, observing.answered, endpoints.answer
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Observes a request in the mode of the stack around it."""
        if self._is_async:
            return self.__acall__(request)
        own, observation = self._begun(request)
        if observation is None:
            return self.get_response(request)
        with observation:
            response = own(request) if own else cast("HttpResponseBase", self.get_response(request))
            return self._answered(response, observation, own=own is not None)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """The same in async; no thread is entered on the way."""
        own, observation = self._begun(request)
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        if observation is None:
            return await get_response(request)
        with observation:
            response = await self._own_answer(own, request) if own else await get_response(request)
            return self._answered(response, observation, own=own is not None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Notes that the view raised, answered or not: django-prometheus counts those."""
        from django_observe.requestmark import observation_of  # no command handles requests

        observation = observation_of(request)
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
    position = given.index(OPENTELEMETRY) + 1 if OPENTELEMETRY in given else 0
    if isinstance(given, list) and django_settings.is_overridden("MIDDLEWARE"):
        given.insert(position, PATH)
    else:
        django_settings.MIDDLEWARE = type(given)([*given[:position], PATH, *given[position:]])


def _note_exception(*, request: HttpRequest | None = None, **_: object) -> None:
    """Receiver of `got_request_exception`, which Django sends for the exception behind every 500."""
    from django_observe.requestmark import observation_of

    observation = observation_of(request)
    error = sys.exc_info()[1]
    if observation is not None and error is not None:
        observation.failed(error)
