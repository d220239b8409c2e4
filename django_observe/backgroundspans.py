"""The spans of Django's background tasks: a producer's for the enqueue, a consumer's for each run.

Names and attributes are those of OpenTelemetry's semantic conventions for messaging spans (1.30). Importing
this imports no API of spans; the functions do, and are called where tracing is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django_observe import conf, tasktrace, traces
from django_observe.vocabulary import Attribute

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanKind

SYSTEM = "django_tasks"
"""`messaging.system`; also the name by which OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches the spans off."""

CODE_FUNCTION_NAME: Final = "code.function.name"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_SYSTEM: Final = "messaging.system"


def are_on() -> bool:
    """Whether an enqueue and a run have spans of their own."""
    return traces.enabled() and conf.may_instrument(SYSTEM)


def enqueuing(task: Any) -> Span:
    """Starts the span of an enqueue."""
    from opentelemetry.trace import SpanKind

    return _start(SpanKind.PRODUCER, ("enqueue", "send"), task)


def enqueued(span: Span, task_id: str) -> None:
    """Notes under which id the backend has the task."""
    span.set_attribute(MESSAGING_MESSAGE_ID, task_id)


def running(task: Any, task_id: str, publisher: Context, relation: str) -> Span:
    """Starts the span of a run: child of the span in `publisher`, linked to it, or neither."""
    from opentelemetry import trace

    parent, links = publisher, list[trace.Link]()
    if relation != tasktrace.CHILD:
        parent = trace.set_span_in_context(trace.INVALID_SPAN, publisher)
    if relation == tasktrace.LINK:
        links = [trace.Link(trace.get_current_span(publisher).get_span_context())]
    span = _start(trace.SpanKind.CONSUMER, ("run", "process"), task, parent, links)
    span.set_attribute(MESSAGING_MESSAGE_ID, task_id)
    return span


def within(context: Context, span: Span) -> Context:
    """`context` with the span as its current one."""
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span, context)


def identified(span: Span, identifier: str) -> None:
    """Notes the correlation ID."""
    span.set_attribute(Attribute.CORRELATION_ID, identifier)


def _start(
    kind: SpanKind,
    operation: tuple[str, str],
    task: Any,
    parent: Context | None = None,
    links: Sequence[Link] = (),
) -> Span:
    """`operation`: its name and its type."""
    from opentelemetry import trace

    name, operation_type = operation
    return trace.get_tracer(__name__).start_span(
        f"{name} {task.queue_name}",
        parent,
        kind,
        {
            MESSAGING_SYSTEM: SYSTEM,
            MESSAGING_OPERATION_NAME: name,
            MESSAGING_OPERATION_TYPE: operation_type,
            MESSAGING_DESTINATION_NAME: task.queue_name,
            CODE_FUNCTION_NAME: task.module_path,
        },
        links,
    )
