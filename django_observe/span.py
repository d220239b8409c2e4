"""The span of our provider: OpenTelemetry's own class, with its usual ways through it made short.

What is not usual (a limit that is reached, a value to be converted, a warning) is left to the SDK's code.
"""

# ruff: noqa: SLF001 - the SDK's private parts: `tracer.is_known` asks whether they are there

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from threading import Lock
from time import time_ns
from types import MappingProxyType, NoneType
from typing import Any, TypeAlias

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, EventBase, Span, SpanLimits, SpanProcessor, Tracer
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState

_PLAIN = frozenset({str, bool, int, float, NoneType})
"""Types whose values are attributes as they are: texts up to a length."""

_BASE = 256
"""Bytes, as `spansize` weighs what every span has."""


Told: TypeAlias = tuple[
    tuple[int, int, TraceState],
    tuple[int, bool] | None,
    str,
    SpanKind,
    int | None,
    int | None,
    Sequence[Event],
    Sequence[Link],
    tuple[int, int, int],
    Status,
]
"""A span's IDs and state; its parent's ID, and whether that is remote; name, kind, times, events, links; how
many attributes, events and links were dropped; status."""


class Reader(SpanProcessor):
    """A processor that only reads ended spans: where it is the only one, it is given them uncopied."""


class LeanAttributes(BoundedAttributes):
    """Attributes that look at nothing but types and lengths of plain values; their span has the lock."""

    def __init__(self, limits: SpanLimits, attributes: Mapping[str, Any] | None) -> None:
        # the fields of BoundedAttributes; SpanLimits has checked the limits
        self._dict: dict[str, Any] = {}
        self.maxlen = limits.max_span_attributes
        self.max_value_len = limits.max_span_attribute_length
        self.dropped = 0
        self._lock = Lock()
        self._immutable = False
        self.size: float = 0
        """About the bytes that they took when they were set; infinite, if some were not plain: not known."""
        if attributes:
            self._set_items(attributes)

    def _set_items(self, attributes: Mapping[str, Any]) -> None:
        if type(attributes) is MappingProxyType and self.maxlen != 0:  # as a sampler hands them on
            attributes = dict(attributes)
        size = self._size_of(attributes) if type(attributes) is dict else inf
        self.size += size
        if size == inf or self._immutable:
            super()._set_items(attributes)
            return
        if self._dict and not self._dict.keys().isdisjoint(attributes):
            for key in attributes:
                self._dict.pop(key, None)  # what is set again is the youngest
        self._dict.update(attributes)

    def _size_of(self, attributes: dict[str, Any]) -> float:
        """Of their names and values; infinite if one may have to be dropped, converted, cut or warned of."""
        room = inf if self.maxlen is None else self.maxlen - len(self._dict)
        if len(attributes) > room or "" in attributes:
            return inf
        size = 0
        for value in attributes.values():
            kind = type(value)
            if kind is not str and kind not in _PLAIN:
                return inf
            size += value.__sizeof__()  # a third of what a look at type and length costs
        try:
            names = len("".join(attributes))
        except TypeError:  # not all of them are texts
            return inf
        is_short = self.max_value_len is None or size <= self.max_value_len
        return size + names if is_short else inf

    def __setitem__(self, key: str, value: Any) -> None:
        has_room = self.maxlen is None or len(self._dict) < self.maxlen
        if has_room and type(value) in _PLAIN and type(key) is str and key and not self._immutable:
            size = value.__sizeof__()
            if self.max_value_len is None or size <= self.max_value_len:
                self.size += size + len(key)
                self._dict.pop(key, None)
                self._dict[key] = value
                return
        self.size = inf
        super().__setitem__(key, value)


class LeanSpan(Span):
    """The SDK's span, made in one step, and not copied when it ends for our own processor alone."""

    _trace_config: None = None
    _record_exception = _set_status_on_exception = True
    _end_time: int | None = None
    _status = Status(StatusCode.UNSET)
    _attributes: LeanAttributes
    _context: SpanContext
    _events: Any = ()
    """A list once there are events, as with links: an empty one of the SDK's takes 800 bytes."""
    _links: Any = ()

    def __init__(  # noqa: PLR0913, PLR0917 - what a span is, in the order of the SDK's constructor
        self,
        tracer: Tracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        links: Sequence[Link],
        start_time: int,
        record_end_metrics: Callable[[], None] | None,
    ) -> None:
        # the fields of the SDK's constructors, without their calls
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = kind
        self._resource = tracer.resource
        self._sampler = tracer.sampler
        self._span_processor = tracer.span_processor
        self._instrumentation_info = tracer.instrumentation_info
        self._instrumentation_scope = tracer._instrumentation_scope
        self._limits = limits = tracer._span_limits
        self._record_end_metrics = record_end_metrics
        self._start_time = start_time
        self._lock = Lock()
        self._attributes = LeanAttributes(limits, attributes)
        if links:
            self._links = self._new_links(links)

    def stamp(self, name: str, value: str) -> None:
        """Sets an attribute at its start, when nobody else has it: no lock, and it cannot have ended."""
        self._attributes[name] = value

    def get_span_context(self) -> SpanContext:
        """Its context, without the SDK's cast."""
        return self._context

    @property
    def size(self) -> float:
        """About the bytes that its texts and numbers take; infinite if there is more, or its name is none."""
        if self._events or self._links or self._status is not LeanSpan._status or type(self._name) is not str:
            return inf
        return _BASE + len(self._name) + self._attributes.size

    # the encoder asks for all three: by type and not by `isinstance` of an ABC saves 6k instructions a span
    @property
    def dropped_attributes(self) -> int:
        """How many attributes a limit has cost it."""
        return self._attributes.dropped

    @property
    def dropped_events(self) -> int:
        """The same of its events."""
        return 0 if type(self._events) is tuple else int(self._events.dropped)

    @property
    def dropped_links(self) -> int:
        """The same of its links."""
        return 0 if type(self._links) is tuple else int(self._links.dropped)

    def plain_attributes(self) -> dict[str, Any]:
        """Those of a span that has ended, uncopied."""
        return self._attributes._dict

    def told(self) -> Told:
        """All of it but its attributes; by properties, which are calls, it takes 12k instructions more."""
        trace_id, span_id, _, _, state, _ = self._context
        parent, events, links = self._parent, self._events, self._links
        dropped = (
            self._attributes.dropped,
            0 if events == () else events.dropped,
            0 if links == () else links.dropped,
        )
        return (
            (trace_id, span_id, state),
            None if parent is None else (parent[1], parent[2]),
            self._name,
            self._kind,
            self._start_time,
            self._end_time,
            events,
            links,
            dropped,
            self._status,
        )

    def _add_event(self, event: EventBase) -> None:
        with self._lock:
            if type(self._events) is tuple:
                self._events = BoundedList(self._limits.max_events)
        super()._add_event(event)

    def _add_link(self, link: Link) -> None:
        with self._lock:
            if type(self._links) is tuple:
                self._links = BoundedList(self._limits.max_links)
        super()._add_link(link)

    def end(self, end_time: int | None = None) -> None:
        """As the SDK; a Reader that is alone is given the span itself, and told of nothing before."""
        processors = self._span_processor._span_processors  # type: ignore[attr-defined]
        is_first = False
        if len(processors) == 1 and isinstance(processors[0], Reader):
            with self._lock:
                is_first = self._end_time is None
                if is_first:
                    self._end_time = time_ns() if end_time is None else end_time
                    self._attributes._immutable = True
        if not is_first:
            super().end(end_time)
            return
        if self._record_end_metrics is not None:
            self._record_end_metrics()
        processors[0].on_end(self)
