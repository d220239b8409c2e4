"""Spans as they leave the process: secrets masked, sizes capped, encoded as OTLP; on the export thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_STACKTRACE
from opentelemetry.trace import Link, SpanContext, Status, TraceState

from django_observe import conf, privacy, redaction
from django_observe.vocabulary import Attribute

MAX_VALUE = 4_096
"""Characters of one attribute; a stack may have `redaction.MAX_TEXT`."""

MAX_ITEMS = 64
_LONGEST_CACHED = 256
_CHECKED = frozenset({Attribute.CORRELATION_ID, Attribute.CLIENT_CORRELATION_ID})
"""Attributes that hold nothing but a well-formed ID."""

_NO_STATE = TraceState()


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """An ExportTraceServiceRequest of `spans`, which stay as they are.

    Raises:
        Exception: whatever protobuf makes of a span that cannot be encoded.
    """
    return encode_spans([_fit(span) for span in spans]).SerializePartialToString()


def _fit(span: ReadableSpan) -> ReadableSpan:
    status = span.status
    if status.description:
        status = Status(status.status_code, _text(status.description))
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=_resource(span.resource),
        attributes=_attributes(span.attributes),
        events=[
            Event(_text(event.name), _attributes(event.attributes), event.timestamp) for event in span.events
        ],
        links=[Link(_stateless(link.context), _attributes(link.attributes)) for link in span.links],
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_text(key): _value(key, value) for key, value in attributes.items()} if attributes else {}


def _value(key: str, value: Any) -> Any:
    kind = type(value)
    if kind is str:
        if key in _CHECKED:
            return value
        return _keyed(key, value) if len(value) <= _LONGEST_CACHED else _scrubbed(key, value)
    if kind is bool or kind is float or (kind is int and -privacy.MAX_INTEGER <= value < privacy.MAX_INTEGER):
        return value
    if kind in (tuple, list):
        return [_value(key, item) for item in value[:MAX_ITEMS]]
    if kind is bytes:
        return value[:MAX_VALUE]
    return privacy.MASK if redaction.is_secret(key) else privacy.safe(value)


def _scrubbed(key: str, value: str) -> str:
    if redaction.is_secret(key):
        return redaction.MASK
    if key.endswith(("url.full", "http.url", "http.target")):
        address, mark, query = value.partition("?")
        value = f"{address}?{redaction.scrub_query(query)}" if mark else value
    elif key == "url.query":
        value = redaction.scrub_query(value)
    return redaction.scrub_text(value, redaction.MAX_TEXT if key == EXCEPTION_STACKTRACE else MAX_VALUE)


@lru_cache(maxsize=1024)
def _keyed(key: str, value: str) -> str:
    return _scrubbed(key, value)


@lru_cache(maxsize=1024)
def _text(text: str) -> str:
    return redaction.scrub_text(text, MAX_VALUE)


def _forget(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: SCRUB_KEYS may be others now."""
    if setting == conf.SETTING:
        _keyed.cache_clear()
        _text.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_observe.otlpspans", weak=False)


def _stateless(context: SpanContext) -> SpanContext:
    return SpanContext(
        context.trace_id, context.span_id, context.is_remote, context.trace_flags, trace_state=_NO_STATE
    )


class _Resource(Resource):
    """A resource that is hashed once; upstream serialises it to JSON for each span it groups."""

    def __init__(self, original: Resource) -> None:
        super().__init__(_attributes(original.attributes), original.schema_url)
        self.original = original

    __eq__ = object.__eq__
    __hash__ = object.__hash__


_resources: dict[int, _Resource] = {}


def _resource(resource: Resource) -> _Resource:
    found = _resources.get(id(resource))
    if found is None or found.original is not resource:
        found = _resources[id(resource)] = _Resource(resource)
    return found
