"""What a log record is about: the correlation ID and span that were current in the thread that made it."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

from opentelemetry.context import get_current

from django_observe import correlation, currentspan
from django_observe.vocabulary import Field

Context: TypeAlias = tuple[str | None, str | None, str | None]
"""Correlation ID, trace ID and span ID."""

CONTEXT = "_observe_context"
"""Attribute of a record that keeps its Context, also through a queue to another thread or process."""

FIELDS = "_observe_fields"
"""Attribute of a record that keeps the event fields of a request or task line, through a queue as well."""

NOTHING = "-"
"""What `%(correlation_id)s` shows in a text format outside of any request or task."""

_KINDS = frozenset((str, type(None)))
_NAMES = (Field.CORRELATION_ID, Field.TRACE_ID, Field.SPAN_ID)


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
    stamped: Context | None = record.__dict__.get(CONTEXT)
    if type(stamped) is tuple and len(stamped) == len(_NAMES) and _KINDS.issuperset(map(type, stamped)):
        return stamped
    context = _of_request(record) or current()
    mark(record, context)
    return context


def mark(record: logging.LogRecord, context: Context) -> None:
    """Puts `context` on `record`."""
    attributes = record.__dict__
    attributes[CONTEXT] = context
    for name, value in zip(_NAMES, context, strict=True):
        if name in attributes:
            attributes[f"extra_{name}"] = attributes[name]
        attributes[name] = value or NOTHING


def keep(record: logging.LogRecord, name: str, fields: dict[str, Any]) -> None:
    """Puts `fields` on `record` as its attribute `name`, in a tuple.

    Neither a form nor JSON has tuples: an `extra` of that name is not taken for what is kept. And a record
    that was pickled can be read where this package is not installed, which a class of our own would forbid.
    """
    record.__dict__[name] = (fields,)


def kept(record: logging.LogRecord, name: str) -> dict[str, Any] | None:
    """What `keep` put there."""
    value = record.__dict__.get(name)
    if type(value) is tuple and len(value) == 1 and type(value[0]) is dict:
        return value[0]
    return None


def is_event(record: logging.LogRecord) -> bool:
    """Whether `record` is the line of a request or task."""
    return kept(record, FIELDS) is not None


def _of_request(record: logging.LogRecord) -> Context | None:
    """Django logs 4xx and 5xx answers after the last middleware, when their request is not current."""
    request = record.__dict__.get("request")
    if request is None:
        return None
    from django_observe.requestmark import observation_of  # no command handles requests

    observation = observation_of(request)
    if observation is None:
        return None
    span = observation.trace
    return observation.correlation_id, span and span.trace_id, span and span.span_id


def current() -> Context:
    """The context that is current in this thread or task."""
    here = get_current()
    span = currentspan.context_in(here)
    if span is None:
        return correlation.of(here), None, None
    return correlation.of(here), f"{span.trace_id:032x}", f"{span.span_id:016x}"
