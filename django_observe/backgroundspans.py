"""The spans of Django's background tasks: a producer's for the enqueue, a consumer's for each run.

Names and attributes are those of OpenTelemetry's semantic conventions for messaging spans (1.30).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.semconv._incubating.attributes.messaging_attributes import (
    MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
)
from opentelemetry.semconv.attributes.code_attributes import CODE_FUNCTION_NAME
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind

from django_observe import conf, tasktrace, traces
from django_observe.vocabulary import Attribute

SYSTEM = "django_tasks"
"""`messaging.system`; also the name by which OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches the spans off."""

_OPERATIONS = {"enqueue": (SpanKind.PRODUCER, "send"), "run": (SpanKind.CONSUMER, "process")}


def enqueuing(task: Any) -> Span:
    """Starts the span of an enqueue; it records nothing where spans are off."""
    return _start("enqueue", task)


def enqueued(span: Span, task_id: str) -> None:
    """Notes under which id the backend has the task."""
    span.set_attribute(MESSAGING_MESSAGE_ID, task_id)


def running(task: Any, task_id: str, publisher: Context, relation: str) -> Span:
    """Starts the span of a run: child of the span in `publisher`, linked to it, or neither."""
    parent, links = publisher, list[Link]()
    if relation != tasktrace.CHILD:
        parent = trace.set_span_in_context(INVALID_SPAN, publisher)
    if relation == tasktrace.LINK:
        links = [Link(trace.get_current_span(publisher).get_span_context())]
    span = _start("run", task, parent, links)
    span.set_attribute(MESSAGING_MESSAGE_ID, task_id)
    return span


def identified(span: Span, identifier: str) -> None:
    """Notes the correlation ID."""
    span.set_attribute(Attribute.CORRELATION_ID, identifier)


def _start(operation: str, task: Any, parent: Context | None = None, links: Sequence[Link] = ()) -> Span:
    kind, operation_type = _OPERATIONS[operation]
    if not (traces.enabled() and conf.may_instrument(SYSTEM)):
        return INVALID_SPAN
    return trace.get_tracer(__name__).start_span(
        f"{operation} {task.queue_name}",
        parent,
        kind,
        {
            MESSAGING_SYSTEM: SYSTEM,
            MESSAGING_OPERATION_NAME: operation,
            MESSAGING_OPERATION_TYPE: operation_type,
            MESSAGING_DESTINATION_NAME: task.queue_name,
            CODE_FUNCTION_NAME: task.module_path,
        },
        links,
    )
