"""What a project's views do, in small: answer, fail, ask the database, log, stream; in sync and in async."""

import logging
from collections.abc import AsyncIterator, Iterator

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from django_observe import correlation_id

logger = logging.getLogger("shop")


def ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def numbered(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


def boom(request: HttpRequest) -> HttpResponse:
    raise ValueError("boom")


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def queries(request: HttpRequest) -> HttpResponse:
    """The same statement three times: an N+1 in small."""
    return HttpResponse(str([User.objects.filter(pk=number).exists() for number in range(3)]))


def logs(request: HttpRequest) -> HttpResponse:
    logger.info("a line of the project's own", extra={"basket": 3})
    return JsonResponse({"correlation_id": correlation_id()})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(correlation_id()) for _ in range(3))


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise ValueError("broken stream")

    return StreamingHttpResponse(chunks())


async def async_ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


async def async_boom(request: HttpRequest) -> HttpResponse:
    raise ValueError("boom")


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        for _ in range(3):
            yield str(correlation_id())

    return StreamingHttpResponse(chunks())
