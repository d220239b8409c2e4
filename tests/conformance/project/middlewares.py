"""Other people's middlewares, each of which acts where a request's query asks for it and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.http import ConditionalGetMiddleware

from tests.conformance.project.witness import witness


class Meddling:
    """`?middleware=`: answers early, or raises before the view, after it, or instead of its exception."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response: Any = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self.__acall__(request)
        return _after(request, _before(request) or self.get_response(request))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        return _after(request, _before(request) or await self.get_response(request))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers for a view that raised."""
        return HttpResponse("sorry", status=503) if _asked(request) == "apologizes" else None


class Conditional(ConditionalGetMiddleware):
    """Django's own, for `?conditional=`."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return super().process_response(request, response) if "conditional" in request.GET else response


class Csrf(CsrfViewMiddleware):
    """Django's own, for `?csrf=`."""

    def process_request(self, request: HttpRequest) -> None:
        if "csrf" in request.GET:
            super().process_request(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponseForbidden | None:
        return super().process_view(request, *args) if "csrf" in request.GET else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return super().process_response(request, response) if "csrf" in request.GET else response


def _asked(request: HttpRequest) -> str | None:
    return request.GET.get("middleware")


def _before(request: HttpRequest) -> HttpResponse | None:
    asked = _asked(request)
    if asked is not None:
        witness(request.GET["key"], "middleware")
    if asked == "raises before":
        raise RuntimeError("a middleware, before the view")
    return HttpResponse("early", status=202) if asked == "answers" else None


def _after(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if _asked(request) == "raises after":
        raise RuntimeError("a middleware, after the view")
    return response
