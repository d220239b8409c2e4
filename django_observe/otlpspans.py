"""Spans as they leave the process: secrets masked, sizes capped, encoded as OTLP; on the export thread.

By way of protobuf's messages a server span took 457k instructions, now 78k; a statement's 243k, now 50k.
Messages and numbers of fields: opentelemetry/proto/trace/v1/trace.proto.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from django.core.signals import setting_changed
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, Status, StatusCode, TraceState

from django_observe import conf, spanfields, spantext
from django_observe.otlpwire import FIXED32, FIXED64, VARINT, delimited, fixed64, repeated, tag, text, varint
from django_observe.span import LeanSpan, Told

_ONE, _TWO, _THREE, _FOUR = tag(1), tag(2), tag(3), tag(4)
_TRACE_ID, _SPAN_ID, _TRACE_STATE = tag(1) + varint(16), tag(2) + varint(8), tag(3)
_PARENT, _NAME, _KIND = tag(4) + varint(8), tag(5), tag(6, VARINT)
_START, _END = tag(7, FIXED64), tag(8, FIXED64)
_EVENT, _LINK, _STATUS = tag(11), tag(13), tag(15)
_DROPPED = tag(10, VARINT), tag(12, VARINT), tag(14, VARINT)
"""Of attributes, events and links."""
_NOTHING = (0, 0, 0)
_NO_STATE: Final = INVALID_SPAN_CONTEXT.trace_state

_KINDS: Final = tuple(_KIND + varint(number) for number in range(1, 6))
"""By the value of `SpanKind`, which is one less than OTLP's."""

_LOCAL, _REMOTE = b"\x00\x01\x00\x00", b"\x00\x03\x00\x00"
"""SpanFlags: whether a parent, or what is linked, is remote is known; and that it is."""

_HAS_LOCAL, _HAS_REMOTE = tag(16, FIXED32) + _LOCAL, tag(16, FIXED32) + _REMOTE
_LINK_FLAGS = tag(6, FIXED32)
_UNSET: Final = StatusCode.UNSET
_NO_STATUS: Final = _STATUS + delimited(b"")
_LONGEST_CACHED = 256
_MAX_KEPT = 64


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """An ExportTraceServiceRequest of `spans`, which stay as they are.

    Raises:
        Exception: whatever comes of a span that cannot be encoded.
    """
    by_origin: dict[tuple[int, int], list[bytes]] = {}
    resources: dict[bytes, dict[bytes, list[bytes]]] = {}
    for span in spans:
        resource, scope = span.resource, span.instrumentation_scope
        found = by_origin.get((id(resource), id(scope)))
        if found is None:
            scopes = resources.setdefault(_kept(resource, _resource), {})
            found = scopes.setdefault(_kept(scope, _scope), [])
            by_origin[id(resource), id(scope)] = found
        found.append(delimited(_span(span)))
    return repeated(
        _ONE,
        [
            delimited(
                resource
                + repeated(
                    _TWO, [delimited(scope + repeated(_TWO, encoded)) for scope, encoded in scopes.items()]
                )
            )
            for resource, scopes in resources.items()
        ],
    )


def _span(span: ReadableSpan) -> bytes:
    identity, parent, name, kind, started, ended, events, links, dropped, status = (
        span.told() if type(span) is LeanSpan else _told(span)
    )
    parts = [_identity(*identity), _name(name), _KINDS[kind.value], spanfields.of_span(span)]
    if parent is not None:
        span_id, is_remote = parent
        parts += _PARENT, span_id.to_bytes(8, "big"), _HAS_REMOTE if is_remote else _HAS_LOCAL
    else:
        parts.append(_HAS_LOCAL)
    if started is not None:
        parts += _START, fixed64(started)
    if ended is not None:
        parts += _END, fixed64(ended)
    for event in events:
        parts += _EVENT, delimited(_event(event))
    for link in links:
        parts += _LINK, delimited(_link(link))
    if dropped != _NOTHING:
        for field, lost in zip(_DROPPED, dropped, strict=True):
            parts.append(_count(field, lost))
    parts.append(_NO_STATUS if status.status_code is _UNSET and not status.description else _status(status))
    return b"".join(parts)


def _told(span: ReadableSpan) -> Told:
    """As `LeanSpan.told`, of any other."""
    own, parent = span.context, span.parent
    return (
        (own.trace_id, own.span_id, own.trace_state),
        None if parent is None else (parent.span_id, parent.is_remote),
        span.name,
        span.kind,
        span.start_time,
        span.end_time,
        span.events,
        span.links,
        (span.dropped_attributes, span.dropped_events, span.dropped_links),
        span.status,
    )


def _identity(trace_id: int, span_id: int, state: TraceState) -> bytes:
    encoded = _TRACE_ID + trace_id.to_bytes(16, "big") + _SPAN_ID + span_id.to_bytes(8, "big")
    if state is _NO_STATE or not state:
        return encoded
    return encoded + _TRACE_STATE + text(state.to_header())


def _name(name: str) -> bytes:
    return _short_name(name) if type(name) is str and len(name) <= _LONGEST_CACHED else _any_name(name)


def _any_name(name: str) -> bytes:
    return _NAME + text(spantext.name(name))


_short_name = lru_cache(maxsize=1024)(_any_name)


def _count(field: bytes, number: int) -> bytes:
    return field + varint(number) if number else b""


def _event(event: Event) -> bytes:
    time = tag(1, FIXED64) + fixed64(event.timestamp) + _TWO + text(spantext.name(event.name))
    attributes = spanfields.of_other(_THREE, event.attributes)
    return time + attributes + _count(tag(4, VARINT), event.dropped_attributes)


def _link(link: Link) -> bytes:
    """Without the state of its trace, which is another's."""
    context = link.context
    identity = (
        _TRACE_ID + context.trace_id.to_bytes(16, "big") + _SPAN_ID + context.span_id.to_bytes(8, "big")
    )
    attributes = spanfields.of_other(_FOUR, link.attributes) + _count(tag(5, VARINT), link.dropped_attributes)
    return identity + attributes + _LINK_FLAGS + (_REMOTE if context.is_remote else _LOCAL)


def _status(status: Status) -> bytes:
    message = _TWO + text(spantext.name(status.description)) if status.description else b""
    return _STATUS + delimited(message + tag(3, VARINT) + varint(status.status_code.value))


def _resource(resource: Resource) -> bytes:
    """Fields of a ResourceSpans: all but its spans."""
    attributes = spanfields.of_other(_ONE, resource.attributes)
    return _ONE + delimited(attributes) + _THREE + text(resource.schema_url or "")


def _scope(scope: InstrumentationScope | None) -> bytes:
    """Fields of a ScopeSpans: all but its spans."""
    if scope is None:
        return _ONE + delimited(b"")
    attributes = spanfields.of_other(_THREE, scope.attributes)
    named = _ONE + text(scope.name) + _TWO + text(scope.version or "") + attributes
    return _ONE + delimited(named) + _THREE + text(scope.schema_url or "")


_known: dict[int, tuple[Any, bytes]] = {}


def _kept(described: Any, encode: Callable[[Any], bytes]) -> bytes:
    """What `encode` makes of a resource or a scope, once for all; there are a few, of many spans each."""
    found = _known.get(id(described))
    if found is None or found[0] is not described:
        if len(_known) >= _MAX_KEPT:
            _known.clear()
        found = _known[id(described)] = (described, encode(described))
    return found[1]


def _forget(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: SCRUB_KEYS may be others now."""
    if setting == conf.SETTING:
        _known.clear()
        _short_name.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_observe.otlpspans", weak=False)
