"""Views that do what a test asks for; numbers come as query parameters."""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress
from threading import Event

from django.http import HttpRequest, HttpResponse

from tests.faults.project.burst import burst as _burst
from tests.faults.project.burst import logger
from tests.faults.project.tasks import work

_never = Event()


def ok(request: HttpRequest) -> HttpResponse:
    """Answers the process that did it; one span and one request line."""
    return HttpResponse(str(os.getpid()), content_type="text/plain")


def busy(request: HttpRequest) -> HttpResponse:
    """What a usual view tells: three spans of its own, five log records."""
    _burst(3, 5)
    return HttpResponse("busy")


def slow(request: HttpRequest) -> HttpResponse:
    """Takes `?seconds=` (1)."""
    time.sleep(float(request.GET.get("seconds", "1")))
    return HttpResponse("slow")


def burst(request: HttpRequest) -> HttpResponse:
    """`?spans=` and `?logs=` (1,000 each), with a text of `?size=` characters (none)."""
    given = {name: int(request.GET.get(name, default)) for name, default in _BURST.items()}
    _burst(**given)
    return HttpResponse("burst")


def log(request: HttpRequest) -> HttpResponse:
    """Logs `?message=` once."""
    logger.info("%s", request.GET.get("message", "a message"))
    return HttpResponse("logged")


def stuck(request: HttpRequest) -> HttpResponse:
    """Never answers; a signal's handler can still run."""
    logger.info("stuck")
    while True:
        _never.wait(3600)


def stubborn(request: HttpRequest, number: int) -> HttpResponse:
    """Never answers, whatever a signal's handler raises."""
    logger.info("stubborn %d", number)
    while True:
        with suppress(BaseException):
            _never.wait(3600)


def deaf(request: HttpRequest) -> HttpResponse:
    """Never answers, in a call that no signal ends, as those of some database drivers."""
    logger.info("deaf")
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    while True:
        library.pthread_mutex_lock(mutex)


async def blocking(request: HttpRequest) -> HttpResponse:
    """Never answers, and keeps the event loop from turning."""
    logger.info("blocking")
    time.sleep(3600)  # noqa: ASYNC251 - that is the point
    return HttpResponse("never")


def fail(request: HttpRequest) -> HttpResponse:
    """A bug."""
    raise ValueError("no such order")


def publish(request: HttpRequest) -> HttpResponse:
    """Publishes `?tasks=` (1) Celery tasks that take `?seconds=` (0) each.

    Nobody wants the results: of each that is, redis-py keeps the channel in the publishing process for ever.
    """
    for _ in range(int(request.GET.get("tasks", "1"))):
        work.apply_async((float(request.GET.get("seconds", "0")),), ignore_result=True)
    return HttpResponse("published")


_BURST = {"spans": "1000", "logs": "1000", "size": "0"}
