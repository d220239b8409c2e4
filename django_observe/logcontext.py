"""What a log record is about: the correlation ID and span that were current in the thread that made it."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

from opentelemetry.context import get_current

from django_observe import correlation, currentspan
from django_observe.reporting import guard
from django_observe.vocabulary import Field

Context: TypeAlias = tuple[str | None, str | None, str | None]
"""Correlation ID, trace ID and span ID."""

CONTEXT = "_observe_context"
"""Attribute of a record that keeps its Context, also through a queue to another thread or process."""

FIELDS = "_observe_fields"
"""Attribute of a record that keeps the event fields of a request or task line, through a queue as well."""

NOTHING = "-"
"""What `%(correlation_id)s` shows in a text format outside of any request or task."""

_NAMES = (Field.CORRELATION_ID, Field.TRACE_ID, Field.SPAN_ID)


class Stamp(tuple[str | None, str | None, str | None]):
    """A Context on its record; an `extra` called CONTEXT, a form's field say, is none."""

    __slots__ = ()


class EventFields(dict[str, Any]):
    """Event fields on their record; they are written as they are, which no `extra` called FIELDS may be."""


class ContextFilter(logging.Filter):
    """Gives every record `correlation_id`, `trace_id` and `span_id`, for text formats and for queues.

    Put it on the handler that runs in the thread that logs; a QueueHandler is one.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamps the record; passes all."""
        stamp(record)
        return True


def stamp(record: logging.LogRecord) -> Context:
    """The context of `record`, captured once; an `extra` of the same name moves to `extra_<name>`."""
    stamped = record.__dict__.get(CONTEXT)
    if type(stamped) is Stamp:
        return stamped
    context = _of_request(record) or current()
    mark(record, context)
    return context


def mark(record: logging.LogRecord, context: Context) -> None:
    """Puts `context` on `record`."""
    attributes = record.__dict__
    attributes[CONTEXT] = Stamp(context)
    for name, value in zip(_NAMES, context, strict=True):
        if name in attributes:
            attributes[f"extra_{name}"] = attributes[name]
        attributes[name] = value or NOTHING


def event_fields(record: logging.LogRecord) -> EventFields | None:
    """The event fields of `record` if it is the line of a request or task."""
    fields = record.__dict__.get(FIELDS)
    return fields if type(fields) is EventFields else None


def _of_request(record: logging.LogRecord) -> Context | None:
    """Django logs 4xx and 5xx answers after the last middleware, when their request is not current."""
    with guard("logs"):  # an `extra` called request may be anything, a proxy that raises at a touch too
        observation = getattr(record.__dict__.get("request"), "_django_observe", None)
        if observation is not None:
            span = observation.trace
            return observation.correlation_id, span and span.trace_id, span and span.span_id
    return None


def current() -> Context:
    """The context that is current in this thread or task."""
    here = get_current()
    span = currentspan.context_in(here)
    if span is None:
        return correlation.of(here), None, None
    return correlation.of(here), f"{span.trace_id:032x}", f"{span.span_id:016x}"
