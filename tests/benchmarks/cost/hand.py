"""The hand assembly: the packages a careful team takes, wired as their documentation says, at its defaults.

django-guid for the ID, python-json-logger for one line per request, django-prometheus for metrics and
OpenTelemetry's instrumentations for spans. Their chatter is off (django-guid's own lines, the OTLP handler
for log records), as such a team would have it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django_guid.integrations.celery import CeleryIntegration

from tests import handassembly

logger = logging.getLogger("shop.access")

LOGGING = {
    **handassembly.lines(format="%(asctime)s %(levelname)s %(name)s %(message)s"),
    "loggers": {"django_guid": {"level": "WARNING"}},
}


@sync_and_async_middleware
def access_log(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """One line per request."""

    async def asynchronous(request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response: HttpResponseBase = await get_response(request)
        _tell(request, response, perf_counter() - started)
        return response

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response: HttpResponseBase = get_response(request)
        _tell(request, response, perf_counter() - started)
        return response

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def wire(settings: dict[str, Any]) -> None:
    """Adds all but the spans to a settings module."""
    settings["INSTALLED_APPS"] += ["django_guid", "django_prometheus"]
    settings["MIDDLEWARE"] = [
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django_guid.middleware.guid_middleware",
        "tests.benchmarks.cost.hand.access_log",
        *settings["MIDDLEWARE"],
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ]
    settings["DJANGO_GUID"] = {
        "GUID_HEADER_NAME": "X-Correlation-ID",
        "INTEGRATIONS": [CeleryIntegration(use_django_logging=True)],
    }
    settings["LOGGING"] = LOGGING


def trace() -> None:
    """Starts OpenTelemetry in this process: before Django's application is made."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

    handassembly.trace((DjangoInstrumentor, SQLite3Instrumentor, RequestsInstrumentor, CeleryInstrumentor))
    LoggingInstrumentor().instrument(inject_trace_context=True, enable_log_auto_instrumentation=False)


def flush() -> bool:
    """Exports what is queued."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    return isinstance(provider, TracerProvider) and provider.force_flush()


def _tell(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    logger.info(
        "%s %s %s",
        request.method,
        request.path,
        response.status_code,
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "seconds": seconds,
        },
    )
