"""What travels with a task in its message's headers: the ID, the trace, and when it was published."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar, Token
from time import time
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from django_observe import conf, correlation, taskschedule, traces
from django_observe.records import TraceContext
from django_observe.vocabulary import Attribute, Header

Headers = dict[Any, Any]


_received: ContextVar[Headers | None] = ContextVar("django_observe_taskheaders", default=None)


def bind(headers: Headers) -> Token[Headers | None]:
    """Makes `headers` those that the running task received; keep the token for `reset`."""
    return _received.set(headers)


def reset(token: Token[Headers | None]) -> None:
    """Gives the context back the headers it had before `bind`."""
    _received.reset(token)


def write(headers: Headers) -> None:
    """Adds ours to `headers` of a message that is about to be published; what the user set there stays.

    A retry repeats the headers that its task received: those are ours of last time, and are renewed.
    """
    received = _received.get() or {}
    theirs = {name.lower(): name for name in headers if isinstance(name, str)}
    for name, value in _fresh().items():
        given = theirs.get(name)
        if given is None or headers[given] == received.get(name):
            headers[given or name] = value


def read(items: Iterable[tuple[Any, Any]]) -> Headers:
    """Ours among the `items` of a message's or request's headers, under lower-case names."""
    wanted = {
        Header.TASK_PUBLISHED_AT,
        Header.TASK_SCHEDULE,
        *propagate.get_global_textmap().fields,
        *_id_names(),
    }
    return {name.lower(): value for name, value in items if isinstance(name, str) and name.lower() in wanted}


def correlation_id(headers: Headers) -> str | None:
    """The well-formed ID among `headers`, if there is one."""
    values = (headers.get(name) for name in _id_names())
    return next(filter(None, (correlation.accepted(v) for v in values if isinstance(v, str))), None)


def context(headers: Headers) -> Context:
    """The current context with the publisher's span and ID in it."""
    return propagate.extract({name: value for name, value in headers.items() if isinstance(value, str)})


def trace_context(headers: Headers) -> TraceContext | None:
    """The publisher's span, for what has none of its own: a run that died with its process, or never ran."""
    return traces.current(context(headers))


def _fresh() -> Headers:
    fresh: Headers = {}
    propagate.inject(fresh)
    if correlation.correlation_id() is None:
        span = traces.current()
        identifier = span.trace_id if span else correlation.generate()
        trace.get_current_span().set_attribute(Attribute.CORRELATION_ID, identifier)
        fresh[_id_names()[0]] = identifier
    fresh[Header.TASK_PUBLISHED_AT] = f"{time():.6f}"
    schedule = taskschedule.current()
    if schedule is not None:
        fresh[Header.TASK_SCHEDULE] = schedule
    return fresh


def _id_names() -> list[str]:
    """Names the ID is written under (the first, as the propagator has it) and looked for."""
    settings = conf.settings()
    names = (settings.correlation_header or Header.CORRELATION_ID, *settings.correlation_headers)
    return list(dict.fromkeys(name.lower() for name in names))
