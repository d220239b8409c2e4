"""Views of a project that knows nothing of observability; `state` shows the tests what runs beside it."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from .celery import bill

logger = logging.getLogger(__name__)
GREETING = "hello"


def home(request: HttpRequest) -> HttpResponse:
    """Logs one line, as any view may."""
    logger.info("a basket was opened")
    return HttpResponse(GREETING)


def broken(request: HttpRequest) -> HttpResponse:
    """A fault of the project's own."""
    raise ZeroDivisionError("broken on purpose")


def order(request: HttpRequest, number: int) -> JsonResponse:
    """Hands work to Celery."""
    return JsonResponse({"task_id": bill.delay(number).id})


def stream(request: HttpRequest, parts: int) -> StreamingHttpResponse:
    """A body in parts of one byte, in the server's own way of iterating."""
    return StreamingHttpResponse(_later(parts) if isinstance(request, ASGIRequest) else _slowly(parts))


def _slowly(parts: int) -> Iterator[bytes]:
    for _ in range(parts):
        time.sleep(0.02)
        yield b"."


async def _later(parts: int) -> AsyncIterator[bytes]:
    for _ in range(parts):
        await asyncio.sleep(0.02)
        yield b"."


def state(request: HttpRequest) -> JsonResponse:
    """The threads of this process, the middleware in force, and which process it is."""
    return JsonResponse(
        {
            "threads": [thread.name for thread in threading.enumerate()],
            "middleware": list(settings.MIDDLEWARE),
            "process": os.getpid(),
        }
    )
