"""OpenTelemetry's Celery instrumentation without its receivers; imported only where tasks are traced.

Its receivers' work is done here in one piece each, with the context and a span's attributes set once. That
saves 500k of the 990k instructions that two spans of a task took; `taskattributes` has what is in them.
"""

# ruff: noqa: SLF001 - upstream's parts have no public names, and its version is pinned

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, get_current
from opentelemetry.instrumentation.celery import (
    _TASK_APPLY_ASYNC,
    _TASK_NAME_KEY,
    _TASK_RUN,
    _TASK_TAG_KEY,
    CeleryInstrumentor,
    celery_getter,
    utils,
)
from opentelemetry.semconv._incubating.attributes.messaging_attributes import MESSAGING_MESSAGE_ID
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind

from django_observe import correlation, taskattributes, taskheaders, tasktrace, traceparent
from django_observe.taskspans import OpenSpan
from django_observe.vocabulary import Header

_STATE, _DURATION = "celery.state", "flower.task.runtime.seconds"


class TaskInstrumentor(CeleryInstrumentor):
    """The instrumentation with its names and attributes; `taskspans` calls what signals would have called.

    Takes the place of the one instance there is, so that an `instrument()` elsewhere makes no second spans.
    """

    _instance = None
    goes_on = False
    """Whether the project had switched upstream's on."""

    def go_on_for(self, theirs: Any) -> None:
        """Makes the spans that `theirs` would have made, by its provider and options."""
        theirs.uninstrument()
        self._tracer, self.metrics, self._use_span_links = (
            theirs._tracer,
            theirs.metrics,
            theirs._use_span_links,
        )
        self._is_instrumented_by_opentelemetry = self.goes_on = True

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]
        super()._uninstrument()  # type: ignore[no-untyped-call]

    def publishing(self, name: str, task_id: str, signal: Mapping[str, Any]) -> OpenSpan:
        """As `_trace_before_publish`, without injecting the span into headers: `taskheaders` does that."""
        outside = get_current()
        span = self._tracer.start_span(f"{_TASK_APPLY_ASYNC}/{name}", outside, SpanKind.PRODUCER)
        known = {_TASK_TAG_KEY: _TASK_APPLY_ASYNC, MESSAGING_MESSAGE_ID: task_id, _TASK_NAME_KEY: name}
        _describe(span, known, signal)
        return OpenSpan(name, span, _entered(span, outside))

    def running(
        self, task: Any, relation: str, headers: taskheaders.Headers, identifier: str | None
    ) -> OpenSpan:
        """As `_trace_prerun`, in that `relation` to the producer's span."""
        started, name = perf_counter(), f"{_TASK_RUN}/{task.name}"
        sent = None
        if relation != tasktrace.NEW:
            sent = _sent(task.request, headers, identifier) or None
        if relation == tasktrace.CHILD and self._use_span_links:
            relation = tasktrace.LINK
        if relation == tasktrace.LINK and sent is not None:
            producer = trace.get_current_span(sent).get_span_context()
            links = [Link(producer)] if producer.is_valid else None
            context = get_current()
            span = self._tracer.start_span(name, context, SpanKind.CONSUMER, links=links)
        else:
            context = get_current() if sent is None else sent
            span = self._tracer.start_span(name, context, SpanKind.CONSUMER)
        throws = tuple(task.throws or ())
        return OpenSpan(task.name, span, _entered(span, context), task.request, throws, started)

    def ran(self, run: OpenSpan, state: str | None) -> None:
        """As `_trace_postrun`, which also tells how long it was, where the project's meter provider asks."""
        known = {_TASK_TAG_KEY: _TASK_RUN, _TASK_NAME_KEY: run.name}
        if state:
            known[_STATE] = state
        _describe(run.span, known, vars(run.request))
        run.close(None)
        histogram = (self.metrics or {}).get(_DURATION)
        if histogram is not None and getattr(histogram, "_real_instrument", histogram) is not None:
            labels = {"task": run.name, "worker": run.request.hostname}
            histogram.record(perf_counter() - run.started, attributes=labels)

    def failed(self, run: OpenSpan, task_id: str, einfo: Any) -> None:
        """Upstream finds the span by the task's ID."""
        utils.attach_context(run, task_id, run.span, None, None)  # type: ignore[arg-type]
        self._trace_failure(sender=run, task_id=task_id, einfo=einfo)  # type: ignore[no-untyped-call]

    def retried(self, run: OpenSpan, request: Any, reason: Any) -> None:
        """The same."""
        utils.attach_context(run, request.id, run.span, None, None)  # type: ignore[arg-type]
        self._trace_retry(sender=run, request=request, reason=reason)  # type: ignore[no-untyped-call]


def _sent(request: Any, headers: taskheaders.Headers, identifier: str | None) -> Context:
    """As `extract`, which is asked for all but a plain traceparent (saves 35k of 50k instructions)."""
    textmap = propagate.get_global_textmap()
    beside = traceparent.read_beside(textmap)
    parent = None
    if beside is not None and beside.isdisjoint(headers):
        parent = traceparent.parsed(headers.get(Header.TRACEPARENT))
    if parent is None:
        return textmap.extract(request, getter=celery_getter)
    around = Context() if identifier is None else Context({correlation.CONTEXT_KEY: identifier})
    return trace.set_span_in_context(NonRecordingSpan(parent), around)


def _entered(span: Span, context: Context) -> Any:
    return attach(trace.set_span_in_context(span, context))


def _describe(span: Span, known: dict[str, Any], source: Mapping[str, Any]) -> None:
    if span.is_recording():
        taskattributes.find(source, known)
        span.set_attributes(known)


def instance() -> Any:
    """The one instrumentor, ours; it goes on for upstream's where the project has switched that on."""
    existing = CeleryInstrumentor._instance
    if isinstance(existing, TaskInstrumentor):
        return existing
    made: Any = TaskInstrumentor
    CeleryInstrumentor._instance = ours = made()
    if existing is not None and existing.is_instrumented_by_opentelemetry:
        ours.go_on_for(existing)
    return ours
