"""What assemblies by hand have alike: JSON lines with the ID of django-guid, spans that leave in batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def lines(**formatter: str) -> dict[str, Any]:
    """LOGGING, as the pages of django-guid and python-json-logger have it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"correlation_id": {"()": "django_guid.log_filters.CorrelationId"}},
        "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter", **formatter}},
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


def trace(instrumentors: Iterable[Any]) -> None:
    """Has the spans of these instrumentations (their classes) sent by OTLP, as OpenTelemetry's pages say."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for instrumentor in instrumentors:
        instrumentor().instrument()
