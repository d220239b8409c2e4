"""Views that log, query, cache, call and publish: whatever the kits observe."""

from __future__ import annotations

import logging
import os
from typing import Any

import requests
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from tests.migration.project.tasks import bill

logger: Any = logging.getLogger("shop")
if "structlog" in os.environ["KIT"]:
    import structlog

    logger = structlog.get_logger("shop")


BOUND = 17
"""The order whose number is bound to the lines of its request."""


def order(request: HttpRequest, number: int) -> HttpResponse:
    if number == BOUND:
        _bind(number)
    logger.info("order %d", number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.get("order")
    if upstream := os.environ.get("UPSTREAM"):
        requests.get(upstream, timeout=5)
    bill.delay(number)
    return JsonResponse(
        {"correlation_id": getattr(request, "correlation_id", None), "kit": _kits_own(request)}
    )


def _kits_own(request: HttpRequest) -> str | None:
    """The ID as the other kit's own interface tells it."""
    if os.environ["KIT"] == "guid":
        from django_guid import get_guid

        return str(get_guid())
    return getattr(request, "id", None)


def _bind(number: int) -> None:
    from structlog.contextvars import bind_contextvars

    bind_contextvars(basket=number)


def boom(request: HttpRequest) -> HttpResponse:
    raise ValueError("out of stock")


def checks(request: HttpRequest) -> HttpResponse:
    """What `manage.py check` finds, in the process that serves."""
    return JsonResponse({str(each.id): f"{each.msg} {each.hint}" for each in run_checks()})
