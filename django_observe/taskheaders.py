"""What travels with a task in its message's headers: the ID, the trace, and when it was published."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar, Token
from time import time
from typing import Any

from opentelemetry import trace

from django_observe import correlation, messages, propagation
from django_observe.vocabulary import Attribute, Header

Headers = dict[Any, Any]


_received: ContextVar[Headers | None] = ContextVar("django_observe_taskheaders", default=None)


def received() -> Headers | None:
    """The headers that the running task received."""
    return _received.get()


def bind(headers: Headers | None) -> Token[Headers | None]:
    """Makes `headers` those that the running task received; keep the token for `reset`."""
    return _received.set(headers)


def reset(token: Token[Headers | None]) -> None:
    """Gives the context back the headers it had before `bind`."""
    _received.reset(token)


def write(headers: Headers, schedule: str | None = None) -> None:
    """Adds ours to `headers` of a message that is about to be published; what the user set there stays.

    A retry repeats the headers that its task received: those are ours of last time, and are renewed.
    """
    before = _received.get() or {}
    theirs = {name.lower(): name for name in headers if isinstance(name, str)}
    for name, value in _fresh(schedule).items():
        given = theirs.get(name)
        if given is None or headers[given] == before.get(name):
            headers[given or name] = value


def read(items: Iterable[tuple[Any, Any]]) -> Headers:
    """Ours among the `items` of a message's or request's headers, under lower-case names."""
    wanted = {Header.TASK_PUBLISHED_AT, Header.TASK_SCHEDULE, *propagation.fields()}
    return {name.lower(): value for name, value in items if isinstance(name, str) and name.lower() in wanted}


def _fresh(schedule: str | None) -> Headers:
    fresh: Headers = {**messages.outgoing(), Header.TASK_PUBLISHED_AT: f"{time():.6f}"}
    if correlation.correlation_id() is None:
        identifier = fresh[propagation.id_fields()[0]]
        trace.get_current_span().set_attribute(Attribute.CORRELATION_ID, identifier)
    if schedule is not None:
        fresh[Header.TASK_SCHEDULE] = schedule
    return fresh
