"""What travels with a task in its message's headers: the ID, the trace, and when it was published."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from functools import lru_cache
from time import time
from typing import Any, NamedTuple

from opentelemetry import propagate, trace
from opentelemetry.context import get_current
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import SpanContext

from django_observe import conf, correlation, propagation, traces
from django_observe.propagators import CorrelationPropagator, TraceParentPropagator
from django_observe.reporting import guard
from django_observe.tracecontext import TraceContext
from django_observe.vocabulary import Attribute, Header

Headers = dict[Any, Any]

_CELERYS = frozenset(
    """
    args argsrepr called_directly callbacks chain chord compression correlation_id delivery_info errbacks eta
    expires group group_index headers hostname id ignore_result is_eager kwargs kwargsrepr lang logfile
    loglevel origin parent_id priority properties replaced_task_nesting reply_to retries root_id shadow
    soft_time_limit stamped_headers stamps task time_limit timelimit utc
    """.split()  # noqa: SIM905 - a column of forty words
)
"""Names that Celery's messages and requests have anyway; most of all, and soon passed over."""


_guard = guard("messages")
_NO_STATE = trace.INVALID_SPAN_CONTEXT.trace_state


class _Names(NamedTuple):
    """Lower-case names of headers."""

    identifiers: tuple[str, ...]
    wanted: frozenset[str]
    unwanted: frozenset[str]
    are_ours: bool
    """Whether our two propagators, and no others, write and read them."""


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
    names = _names()
    theirs = dict(_others(tuple(headers), names))
    for name, value in _fresh(names, schedule).items():
        given = theirs.get(name)
        if given is None or headers[given] == before.get(name):
            headers[given or name] = value


def read(*sources: Any) -> Headers:
    """Ours among a message's or request's headers, under lower-case names; the last source's win.

    A message is what its publisher made it: headers that are no mapping are none.
    """
    names = _names()
    found: Headers = {}
    for source in sources:
        if type(source) is dict or (source and isinstance(source, Mapping)):
            for lower, name in _others(tuple(source), names):
                if lower in names.wanted:
                    found[lower] = source[name]
    return found


def identifier(headers: Mapping[str, Any]) -> str | None:
    """The well-formed ID in `headers` that were read, if any."""
    for name in _names().identifiers:
        value = headers.get(name)
        if (
            type(value) is not str
            and isinstance(value, (bytes, bytearray))
            and len(value) <= correlation.MAX_LOOKED_AT
        ):
            value = value.decode(errors="replace")
        if isinstance(value, str) and (accepted := correlation.accepted(value)):
            return accepted
    return None


@lru_cache(maxsize=64)
def _others(given: tuple[Any, ...], names: _Names) -> tuple[tuple[str, Any], ...]:
    """Which are not Celery's, by lower case: one message has the same as the next (saves 25k of 35k)."""
    return tuple(
        (name.lower(), name) for name in given if name not in names.unwanted and isinstance(name, str)
    )


def _fresh(names: _Names, schedule: str | None) -> Headers:
    """As `messages.outgoing`, and what only tasks have."""
    fresh: Headers = {}
    field = names.identifiers[0]
    here_and_now = get_current()
    known, span = correlation.of(here_and_now), trace.get_current_span(here_and_now)
    context = span.get_span_context()
    here = traces.named(context)
    _inject(fresh, names, known, context, here)
    if field not in fresh:
        fresh[field] = correlation.chosen(known, here)
    if known is None:
        span.set_attribute(Attribute.CORRELATION_ID, fresh[field])
    fresh[Header.TASK_PUBLISHED_AT] = f"{time():.6f}"
    if schedule is not None:
        fresh[Header.TASK_SCHEDULE] = schedule
    return fresh


def _inject(
    fresh: Headers, names: _Names, known: str | None, context: SpanContext, here: TraceContext | None
) -> None:
    """As `inject`, which is asked where there is more than our two propagators (saves 20k instructions)."""
    state = context.trace_state
    if (state is not _NO_STATE and state) or not names.are_ours:
        with _guard:
            propagate.inject(fresh)
        return
    if here is not None:
        fresh[Header.TRACEPARENT] = f"00-{here.trace_id}-{here.span_id}-{context.trace_flags:02x}"
    if known is not None:
        fresh[names.identifiers[0]] = known


def _names() -> _Names:
    """Remembered while settings and propagator are the same; a project's own propagator may have no hash."""
    global _last
    settings, textmap = conf.settings(), propagate.get_global_textmap()
    asked_with, asked, names = _last
    if names is None or asked_with is not settings or asked is not textmap:
        wanted = frozenset({Header.TASK_PUBLISHED_AT, Header.TASK_SCHEDULE, *propagation.fields()})
        names = _Names(propagation.id_fields(), wanted, _CELERYS - wanted, _are_ours(textmap))
        _last = settings, textmap, names
    return names


_last: tuple[conf.Settings | None, TextMapPropagator | None, _Names | None] = (None, None, None)


def _are_ours(textmap: TextMapPropagator) -> bool:
    kinds = list(map(type, getattr(textmap, "_propagators", ())))
    return type(textmap) is CompositePropagator and kinds == [TraceParentPropagator, CorrelationPropagator]
