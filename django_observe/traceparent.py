"""The caller's span, from a `traceparent` as tracers of today write it (W3C Trace Context, version 00).

Whatever looks otherwise, malformed or of a version to come, is left to OpenTelemetry's own propagators.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_observe.propagators import CorrelationPropagator, TraceParentPropagator
from django_observe.vocabulary import Header

_VERSION_00: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_FLAGS: Final = tuple(map(TraceFlags, range(256)))
_OF_TRACES: Final = frozenset({TraceParentPropagator, TraceContextTextMapPropagator})
_READ_BESIDE: Final[dict[type[TextMapPropagator], set[str]]] = {
    TraceParentPropagator: set(),
    TraceContextTextMapPropagator: {Header.TRACESTATE},
    W3CBaggagePropagator: W3CBaggagePropagator().fields,
    CorrelationPropagator: set(),  # a request's ID is chosen from its headers, not from its context
}


def parsed(header: object) -> SpanContext | None:
    """The span that `header` names; None where OpenTelemetry's propagators are to be asked."""
    found = _VERSION_00.fullmatch(header) if isinstance(header, str) else None
    if found is None:
        return None
    trace_id, span_id = int(found[1], 16), int(found[2], 16)
    flags = _FLAGS[int(found[3], 16)]
    return SpanContext(trace_id, span_id, True, flags) if trace_id and span_id else None


def read_beside(propagator: TextMapPropagator) -> set[str] | None:
    """The headers that `propagator` takes into a context beside the traceparent.

    None: it takes no traceparent, or nobody knows what it takes. The last answer is remembered, by the
    propagator's identity: a project's own may have no hash.
    """
    global _last
    known, beside = _last
    if known is not propagator:
        beside = _beside(propagator)
        _last = propagator, beside
    return beside


_last: tuple[TextMapPropagator | None, set[str] | None] = (None, None)


def _beside(propagator: TextMapPropagator) -> set[str] | None:
    kinds = set(map(type, _parts(propagator)))
    if not kinds <= _READ_BESIDE.keys() or kinds.isdisjoint(_OF_TRACES):
        return None
    return set().union(*(_READ_BESIDE[kind] for kind in kinds))


def _parts(propagator: TextMapPropagator) -> Iterator[TextMapPropagator]:
    if type(propagator) is CompositePropagator:
        for part in propagator._propagators:  # noqa: SLF001 - no public list
            yield from _parts(part)
    else:
        yield propagator
