"""Spans kept in memory while a test asks for them; with and without an endpoint to export to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from django_observe import provider, traces
from django_observe.serverspan import ServerSpans

_sinks: list[list[ReadableSpan]] = []
_listened_to: WeakSet[Any] = WeakSet()


class Listener(SpanProcessor):
    """Copies ended spans to whoever captures."""

    def on_end(self, span: ReadableSpan) -> None:
        """Tells all that capture."""
        for sink in _sinks:
            sink.append(span)


class WhileCapturing(Sampler):
    """Samples everything while somebody captures, and nothing else."""

    def should_sample(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the standard samplers do it."""
        sampler = ALWAYS_ON if _sinks else ALWAYS_OFF
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """The sampler's name."""
        return "WhileCapturing"


class _Provider(TracerProvider):
    """The SDK's, told from one that the project set itself (check W017)."""


@contextmanager
def into(sink: list[ReadableSpan]) -> Iterator[None]:
    """Appends every span that ends in this block to `sink`; a provider that is set already is kept."""
    _listen()
    began = traces._begin  # noqa: SLF001 - tracing is switched on for a test's duration nowhere else
    if began is None:
        traces._begin = ServerSpans().begin  # noqa: SLF001
    _sinks.append(sink)
    _trace_tasks()
    try:
        yield
    finally:
        _sinks[:] = [each for each in _sinks if each is not sink]
        traces._begin = began  # noqa: SLF001
        _trace_tasks()


def _listen() -> None:
    current: Any = trace.get_tracer_provider()
    if isinstance(current, trace.ProxyTracerProvider):
        current = _Provider(sampler=WhileCapturing(), resource=provider.resource(), shutdown_on_exit=False)
        current.add_span_processor(provider.Stamp())
        trace.set_tracer_provider(current)
    if hasattr(current, "add_span_processor") and current not in _listened_to:
        current.add_span_processor(Listener())
        _listened_to.add(current)


def _trace_tasks() -> None:
    taskspans = sys.modules.get("django_observe.taskspans")
    if taskspans is not None:
        taskspans.install(enabled=traces.enabled())
