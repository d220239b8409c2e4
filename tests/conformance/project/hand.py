"""The hand assembly: django-guid and OpenTelemetry's own instrumentations, wired as their pages say."""

from __future__ import annotations

from typing import Any

from django_guid.integrations.celery import CeleryIntegration


def wire(settings: dict[str, Any]) -> None:
    """Adds to a settings module what a careful team would."""
    settings["INSTALLED_APPS"].append("django_guid")
    settings["MIDDLEWARE"].insert(0, "django_guid.middleware.guid_middleware")
    settings["DJANGO_GUID"] = {
        "GUID_HEADER_NAME": "X-Correlation-ID",
        "INTEGRATIONS": [CeleryIntegration(use_django_logging=True, log_parent=True)],
    }
    settings["LOGGING"] = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"correlation_id": {"()": "django_guid.log_filters.CorrelationId"}},
        "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter"}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["correlation_id"],
            }
        },
        "root": {"handlers": ["stdout"], "level": "INFO"},
    }


def trace() -> None:
    """Starts OpenTelemetry in this process: before Django's application is made, or after a fork."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor
    from opentelemetry.instrumentation.urllib import URLLibInstrumentor
    from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    instrumentors: tuple[Any, ...] = (
        DjangoInstrumentor,
        CeleryInstrumentor,
        RequestsInstrumentor,
        URLLib3Instrumentor,
        HTTPXClientInstrumentor,
        URLLibInstrumentor,
        ThreadingInstrumentor,
    )
    for instrumentor in instrumentors:
        instrumentor().instrument()
