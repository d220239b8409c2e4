"""Attributes as fields of OTLP's messages: cleaned while they are encoded, the usual ones remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from django.core.signals import setting_changed
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv._incubating.attributes.messaging_attributes import (
    MESSAGING_MESSAGE_CONVERSATION_ID,
    MESSAGING_MESSAGE_ID,
)
from opentelemetry.semconv.attributes.http_attributes import HTTP_ROUTE
from opentelemetry.semconv.attributes.url_attributes import URL_PATH
from opentelemetry.semconv.trace import SpanAttributes
from opentelemetry.trace import SpanKind

from django_observe import conf, knownsecrets, otlpwire, persons, privacy, spantext, sqltext
from django_observe.pathtext import scrub_path
from django_observe.patterns import project_patterns
from django_observe.span import LeanSpan
from django_observe.vocabulary import Attribute

_TAG: Final = otlpwire.tag(9)
"""Of `Span.attributes`."""

_PATH_KEY: Final = otlpwire.key(URL_PATH)
_LONGEST_CACHED = 256
_LARGEST_CACHED = 65_535
_MAX_WAYS = 1_024
_OURS = ("django_observe", "opentelemetry.instrumentation.django")
"""Beginnings of the names of tracers whose paths are told by then."""

_HARMLESS = re.compile(r"[a-z/]*(?:[0-9]{1,12}[a-z/]+)*(?:[0-9]{1,12})?")
"""Paths without marks of tokens and the digits of a card's number: `scrub_text` leaves them as they are."""

_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_LENGTH = 36
_OF_MESSAGES = (
    MESSAGING_MESSAGE_ID,
    MESSAGING_MESSAGE_CONVERSATION_ID,
    SpanAttributes.MESSAGING_CONVERSATION_ID,
)

_MAPPINGS = (MappingProxyType, BoundedAttributes)


def of_span(span: ReadableSpan) -> bytes:
    """The attributes of `span`, with those of people and its path as the settings have them told."""
    attributes = span.plain_attributes() if type(span) is LeanSpan else plain(span.attributes)
    return _fields(attributes, span)


def _fields(attributes: Mapping[str, Any], span: ReadableSpan) -> bytes:
    fields = []
    for key, value in attributes.items():
        way = _ways.get(key) or _way(key)
        if way is not _usual:
            if way is _renamed and type(attributes) is not _Distinct:
                return _fields(_distinct(attributes), span)
            fields.append(way(key, value, attributes, span))
        # what is usual is known as bytes: saves 35k instructions of a server span's 90k
        elif type(value) is str and len(value) <= _LONGEST_CACHED:
            fields.append(_of_text(key, value))
        elif type(value) is int and 0 <= value <= _LARGEST_CACHED:
            fields.append(_of_number(key, value))
        else:
            fields.append(_field(key, value))
    return b"".join(fields)


def of_other(tag: bytes, attributes: Mapping[str, Any] | None) -> bytes:
    """The attributes of an event, a link, a resource or a scope, which come after `tag`."""
    given = plain(attributes)
    told = {
        _key(key): spantext.told(key, value, given)
        for key, value in given.items()
        if not key.startswith(spantext.PARAMETERS)
    }
    return otlpwire.repeated(tag, [otlpwire.pair(key, value) for key, value in told.items()])


def plain(attributes: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A dict of the same: one walks through it ten times as fast as through OpenTelemetry's mapping."""
    return attributes.copy() if isinstance(attributes, _MAPPINGS) else attributes or {}


class _Distinct(dict[str, Any]):
    """Attributes of which no two are told by the same name: OTLP asks for that, and some stores insist."""


def _distinct(attributes: Mapping[str, Any]) -> _Distinct:
    """Without those whose name is, once it is cleaned, that of a later one."""
    last = {spantext.name(key): key for key in attributes}
    return _Distinct((key, attributes[key]) for key in last.values())


def _field(key: str, value: Any) -> bytes:
    return b"" if key.startswith(spantext.PARAMETERS) else _encoded(key, spantext.cleaned(key, value))


_of_text = lru_cache(maxsize=1024)(_field)
_of_number = lru_cache(maxsize=1024)(_field)


def _encoded(key: str, clean: Any) -> bytes:
    return _TAG + otlpwire.pair(_key(key), clean)


def _key(key: str) -> bytes:
    if type(key) is str and len(key) <= _LONGEST_CACHED:
        return _short_key(key)
    return otlpwire.key(spantext.name(key))


@lru_cache(maxsize=1024)
def _short_key(key: str) -> bytes:
    return otlpwire.key(spantext.name(key))


def _usual(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    return _field(key, value)


def _unusual(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    """Of what is another one each time: nothing is remembered."""
    return _field(key, value)


def _renamed(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    """Of a name that cleaning changes, maybe into another's."""
    return _field(key, value)


def _of_id(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    if type(value) is str and len(value) <= _LONGEST_CACHED:
        return _correlation(key, value)
    return _field(key, value)


@lru_cache(maxsize=64)
def _correlation(key: str, value: str) -> bytes:
    """The spans of one request, which end soon after each other, have the same."""
    return _TAG + otlpwire.pair(otlpwire.key(key), value)


def _of_message(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    """Mostly a UUID, the same in both spans of a message (saves 80k of 270k instructions of the two)."""
    head = _head(key)
    data = _uuid(value) if head is not None and type(value) is str and len(value) == _UUID_LENGTH else None
    return _field(key, value) if head is None or data is None else _TAG + otlpwire.delimited(head + data)


@lru_cache(maxsize=8)
def _head(key: str) -> bytes | None:
    """The first field of a KeyValue; None if nobody is to read the second."""
    return None if privacy.is_secret(key) else _key(key)


@lru_cache(maxsize=64)
def _uuid(value: str) -> bytes | None:
    """The second, of a UUID, which `scrub_text` leaves as it is. None: it is to be cleaned as any other."""
    if project_patterns() or not _UUID.fullmatch(value):
        return None
    return b"\x12" + otlpwire.delimited(otlpwire.any_value(knownsecrets.masked(value)))


def _of_wait(key: str, value: Any, _attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    """Of a number that is another one each time, and ours."""
    if type(value) is float and (head := _head(key)) is not None and not project_patterns():
        return _TAG + otlpwire.pair(head, value)
    return _field(key, value)


def _of_person(key: str, value: Any, _attributes: Mapping[str, Any], span: ReadableSpan) -> bytes:
    if type(value) is str and len(value) <= _LONGEST_CACHED:
        return _person(key, value, span.kind is SpanKind.SERVER)
    shown = persons.told(key, value, span.kind)
    return b"" if shown is None else _field(key, shown)


@lru_cache(maxsize=1024)
def _person(key: str, value: str, is_server: bool) -> bytes:
    shown = persons.told(key, value, SpanKind.SERVER if is_server else SpanKind.INTERNAL)
    return b"" if shown is None else _field(key, shown)


def _of_path(key: str, value: Any, attributes: Mapping[str, Any], span: ReadableSpan) -> bytes:
    """The path of another's span by its route; ours has it as the line has."""
    if type(value) is not str:
        return _field(key, value)
    scope = span.instrumentation_scope
    if scope is None or not scope.name.startswith(_OURS):
        value = scrub_path(value, str(attributes.get(HTTP_ROUTE, "")))
    if len(value) <= spantext.MAX_VALUE and _HARMLESS.fullmatch(value) and not project_patterns():
        return _TAG + otlpwire.pair(_PATH_KEY, knownsecrets.masked(value))
    return _encoded(key, spantext.cleaned(key, value))


def _of_statement(key: str, value: Any, attributes: Mapping[str, Any], _span: ReadableSpan) -> bytes:
    if type(value) is not str:
        return _field(key, value)
    return _statement(key, value[: sqltext.MAX_SQL], spantext.dialect_of(attributes))


@lru_cache(maxsize=256)
def _statement(key: str, sql: str, dialect: str) -> bytes:
    return _encoded(key, spantext.statement(sql, dialect))


_Way: TypeAlias = Callable[[str, Any, Mapping[str, Any], ReadableSpan], bytes]
_ways: Final[dict[str, _Way]] = {
    **dict.fromkeys(spantext.CHECKED, _of_id),
    **dict.fromkeys(_OF_MESSAGES, _of_message),
    **dict.fromkeys(Attribute.QUEUE_WAIT_MS.values(), _of_wait),
    **dict.fromkeys(spantext.URLS, _unusual),
    **dict.fromkeys(persons.PERSONAL, _of_person),
    **dict.fromkeys(spantext.STATEMENTS, _of_statement),
    URL_PATH: _of_path,
}
"""How the attributes of a name are encoded (saves 5k of a span's 83k); names are added, up to _MAX_WAYS."""


def _way(key: str) -> _Way:
    """Of a name that is new."""
    is_told = spantext.name(key) == key
    if type(key) is not str or len(key) > _LONGEST_CACHED or len(_ways) >= _MAX_WAYS:
        return _unusual if is_told else _renamed
    way = _ways[key] = _usual if is_told else _renamed
    return way


_caches = (_of_text, _of_number, _short_key, _correlation, _head, _uuid, _person, _statement)


def _forget(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: SCRUB_KEYS may be others now, or the key that hashes users' IDs."""
    if setting in (conf.SETTING, "SECRET_KEY"):
        for cache in _caches:
            cache.cache_clear()
        for key in [key for key, way in list(_ways.items()) if way in {_usual, _renamed}]:
            del _ways[key]


setting_changed.connect(_forget, dispatch_uid="django_observe.spanfields", weak=False)
