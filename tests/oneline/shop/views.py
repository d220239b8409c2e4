"""Views of a project that knows nothing of observability; `state` shows the tests what runs beside it."""

import logging
import threading

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

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


def state(request: HttpRequest) -> JsonResponse:
    """The threads of this process and the middleware in force."""
    return JsonResponse(
        {
            "threads": [thread.name for thread in threading.enumerate()],
            "middleware": list(settings.MIDDLEWARE),
        }
    )
