"""The two sides: our one line, and what OpenTelemetry's pages say to write; each with ways to take its spans.

A layer is a name and a function that gives the spans that have ended since it was last called: `wire` is what
a receiver is sent, `span` what a processor of the project's is given. Upstream changes nothing in between.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.differential import spans
from tests.differential.spans import Seen

Layers = Iterator[tuple[str, Callable[[], list[Seen]]]]


@contextmanager
def started(side: str) -> Iterator[Layers]:
    """The side's project, set up in this process; both with the stable semantic conventions."""
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database"
    with _ours() if side == "ours" else _upstream() as layers:
        yield layers


@contextmanager
def _upstream() -> Iterator[Layers]:
    import django
    from opentelemetry import trace
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
    from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    instrumentors: tuple[Any, ...] = (
        DjangoInstrumentor,
        CeleryInstrumentor,
        RequestsInstrumentor,
        URLLib3Instrumentor,
        HTTPXClientInstrumentor,
        PsycopgInstrumentor,
        SQLite3Instrumentor,
    )
    for instrumentor in instrumentors:
        instrumentor().instrument()
    django.setup()
    yield iter([("span", _taken_from(provider))])


@contextmanager
def _ours() -> Iterator[Layers]:
    import django
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    from tests.collector import Collector

    with Collector() as collector:
        os.environ.update(collector.environment)
        django.setup()
        provider = trace.get_tracer_provider()
        assert isinstance(provider, TracerProvider)

        def layers() -> Layers:
            yield "wire", lambda: _received(collector, provider)
            yield "span", _taken_from(provider)

        yield layers()


def _received(collector: Any, provider: Any) -> list[Seen]:
    assert provider.force_flush(10_000), "not all spans were delivered"
    received = collector.spans()
    collector.requests.clear()
    return spans.of_received(received)


def _taken_from(provider: Any) -> Callable[[], list[Seen]]:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))

    def take() -> list[Seen]:
        ended = memory.get_finished_spans()
        memory.clear()
        return spans.of_readable(ended)

    return take
