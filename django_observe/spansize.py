"""How much memory a span takes, and one that takes too much cut down: before it is queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import getsizeof
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Status

from django_observe import conf, redaction, spanfields, spantext

MAX_SPAN = 65_536
"""Bytes of the texts and numbers of one span, about as of a log line."""

_BASE = 256
"""Bytes of what every span has when it is encoded: IDs, times, scope."""

_SHORT = 40
"""Characters that are left of a text when there is no room; four bytes each are within _BASE."""

_NAME = 64
_EACH = 64
"""Bytes of an attribute beside its texts, and of characters that are not measured more closely."""

_SMALL = frozenset({int, float, bool, type(None)})
_LEAST = 1_024
"""Bytes of room without which an event or a link is left out."""


def limits() -> SpanLimits:
    """OpenTelemetry's own limits, and one on the length of texts where OTEL_* has none."""
    given = conf.environment("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
    return SpanLimits() if given else SpanLimits(max_attribute_length=spantext.MAX_KEPT)


def fitted(span: ReadableSpan) -> tuple[ReadableSpan, int]:
    """`span` itself, or what of it fits into MAX_SPAN, and its size in bytes."""
    size = size_of(span)
    if size <= MAX_SPAN:
        return span, size
    cut = _Room().cut(span)
    return cut, size_of(cut)


def size_of(span: ReadableSpan) -> int:
    """About the bytes that the texts and numbers of `span` take, in memory and, somewhat less, encoded."""
    description = span.status.description
    size = _BASE + len(span.name) + _size(span.attributes) + (len(description) if description else 0)
    for event in span.events:
        size += _BASE + len(event.name) + _size(event.attributes)
    for link in span.links:
        size += _BASE + _size(link.attributes)
    return size


def _size(attributes: Mapping[str, Any] | None) -> int:
    if not attributes:
        return 0
    values = spanfields.plain(attributes)
    size = sum(map(len, values)) + _EACH * len(values)
    for value in values.values():
        if type(value) is str:
            size += len(value) if len(value) <= _EACH else getsizeof(value)
        elif type(value) not in _SMALL:
            size += _size_of(value)
    return size


def _nested(value: Any) -> int:
    if isinstance(value, Mapping):
        return _size(value)
    return sum(map(_size_of, value)) if isinstance(value, (tuple, list)) else 0


def _size_of(value: Any) -> int:
    return getsizeof(value) + _nested(value)


class _Room:
    """What is left of MAX_SPAN while a span is cut down: attributes come first, then the last events."""

    def __init__(self) -> None:
        self._left = MAX_SPAN - 4 * spantext.MAX_VALUE

    def cut(self, span: ReadableSpan) -> ReadableSpan:
        """A span with the same identity, and as much of the rest as there is room for."""
        status = span.status
        if status.description:
            status = Status(status.status_code, spantext.name(status.description))
        return ReadableSpan(
            name=spantext.name(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes, span.dropped_attributes),
            events=self._events(span),
            links=self._links(span),
            kind=span.kind,
            status=status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _events(self, span: ReadableSpan) -> Sequence[Event]:
        kept = [
            Event(
                spantext.name(event.name)[:_NAME],
                self._attributes(event.attributes, event.dropped_attributes),
                event.timestamp,
            )
            for event in reversed(span.events)
            if self._left > _LEAST and self._has(_BASE + _NAME)
        ]
        return _counted(kept[::-1], len(span.events) + span.dropped_events)

    def _links(self, span: ReadableSpan) -> Sequence[Link]:
        kept = [
            Link(link.context, self._attributes(link.attributes, link.dropped_attributes))
            for link in span.links
            if self._left > _LEAST and self._has(_BASE)
        ]
        return _counted(kept, len(span.links) + span.dropped_links)

    def _attributes(self, attributes: Mapping[str, Any] | None, dropped: int) -> BoundedAttributes:
        kept = {}
        given = spanfields.plain(attributes)
        for name, value in given.items():
            if len(name) > spantext.MAX_VALUE or not self._has(_BASE + len(name)):
                continue
            clean = spantext.told(name, value, given)  # before it is cut: half a secret looks like none
            if not self._has(_size_of(clean)):
                clean = redaction.cut(clean, _SHORT) if type(clean) is str else redaction.CUT
            kept[name] = clean
        bounded = BoundedAttributes(attributes=kept)
        bounded.dropped = len(given) - len(kept) + dropped
        return bounded

    def _has(self, size: int) -> bool:
        if size > self._left:
            return False
        self._left -= size
        return True


def _counted(kept: list[Any], told: int) -> Sequence[Any]:
    """A list that says how many of `told` it has not got."""
    counted: BoundedList[Any] = BoundedList.from_seq(None, kept)
    counted.dropped = told - len(kept)
    return counted
