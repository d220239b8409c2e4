"""The tracer provider: OpenTelemetry's SDK with its own variables, our resource, and our way out."""

from __future__ import annotations

from math import inf
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import (
    OTELResourceDetector,
    Resource,
    ServiceInstanceIdResourceDetector,
)
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import TraceFlags

from django_observe import conf, correlation, export, quiet, spansize
from django_observe.delivery import Pipeline
from django_observe.otlphttp import DISTRIBUTION, release
from django_observe.reporting import guard
from django_observe.span import LeanSpan, Reader
from django_observe.tracer import Provider
from django_observe.vocabulary import Attribute

MAX_OPEN = 10_000
"""Open spans of quiet requests; an application that never ends its spans fills no memory of ours."""

_SIZING = guard("traces.size")
_provider: Any = None


class Stamp(SpanProcessor):
    """Puts the correlation ID on every span, at its start."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Adds the ID of the parent's context, else the current one; a server span gets its own later."""
        identifier = correlation.of(parent_context) or correlation.correlation_id()
        if identifier is not None:
            stamp = span.stamp if type(span) is LeanSpan else span.set_attribute
            stamp(Attribute.CORRELATION_ID, identifier)


class Departure(Stamp, Reader):
    """Stamps spans, and hands them to the pipeline when they have ended."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._offer = pipeline.offer
        self._held: dict[int, quiet.Held] = {}
        """Open spans of quiet requests, by span ID: what `on_end` is given is another object."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Notes which quiet request the span is of, if any."""
        Stamp.on_start(self, span, parent_context)
        held = quiet.held_in(parent_context)
        if held is not None and len(self._held) < MAX_OPEN:
            self._held[span.get_span_context().span_id] = held

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a sampled span, cut down if need be, or holds it back with its quiet request."""
        context = span.context
        if context is None:
            return
        held = self._held.pop(context.span_id, None) if self._held else None
        if not context.trace_flags & TraceFlags.SAMPLED:
            return
        # most know their size and need not be weighed: saves 53k of a server span's 172k instructions
        size = span.size if type(span) is LeanSpan else inf
        if size > spansize.MAX_SPAN:
            size = spansize.MAX_SPAN
            with _SIZING:
                span, size = spansize.fitted(span)
        if held is None or not held.keep(span):
            self._offer(span, int(size))

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether everything queued was exported in time."""
        return export.flush(timeout_millis / 1_000)

    def shutdown(self) -> None:
        """Sends what is queued; delivery itself ends with the process."""
        export.flush(conf.settings().flush_timeout)


def install() -> None:
    """Makes ours the global provider, without a thread; one that is set already only gets the IDs."""
    global _provider
    current = trace.get_tracer_provider()
    if _provider is not None and current is _provider:
        return
    if isinstance(current, trace.ProxyTracerProvider):
        current = Provider(resource=resource(), shutdown_on_exit=False, span_limits=spansize.limits())
        trace.set_tracer_provider(current)
        current.add_span_processor(Departure(export.pipeline("traces")))
    elif hasattr(current, "add_span_processor"):
        current.add_span_processor(Stamp())
    _provider = current


def resource() -> Resource:
    """Who is telling, by OTEL_RESOURCE_ATTRIBUTES and the settings; the SDK adds service.instance.id."""
    service, environment, deployed = conf.identity()
    attributes = {
        "service.name": service,
        "deployment.environment.name": environment,
        "telemetry.distro.name": DISTRIBUTION,
        "telemetry.distro.version": release(),
    }
    if deployed:
        attributes["service.version"] = deployed
    try:
        return Resource.create(attributes)
    except RuntimeError:  # the interpreter shuts down: there are no threads for the detectors
        known = ServiceInstanceIdResourceDetector().detect().merge(OTELResourceDetector().detect())
        return known.merge(Resource(attributes))
