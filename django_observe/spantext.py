"""What spans say, as it may leave the process: names, statements and values of attributes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_STACKTRACE

from django_observe import conf, privacy, redaction, sqltext
from django_observe.querytext import scrub_query
from django_observe.urltext import scrub_url
from django_observe.vocabulary import Attribute

MAX_VALUE = 4_096
"""Characters of one attribute; a stack may have `redaction.MAX_TEXT`."""

MAX_KEPT = 65_536
"""Characters of one attribute while its span is open, which OpenTelemetry cuts off."""

MAX_ITEMS = 64
CHECKED = frozenset({Attribute.CORRELATION_ID, Attribute.CLIENT_CORRELATION_ID})
"""Attributes that hold nothing but a well-formed ID."""

STATEMENTS = frozenset({"db.query.text", "db.statement"})
PARAMETERS = ("db.query.parameter", "db.statement.parameters")
"""Beginnings of the attributes that hold what statements were run with; they never leave."""

URLS = frozenset({"url.full", "http.url", "http.target"})
_CUT_EDGE = 1_024


def name(text: str) -> str:
    """A span's, event's or attribute's name, or a status's description."""
    return redaction.scrub_text(text, MAX_VALUE)


def told(key: str, value: Any, attributes: Mapping[str, Any]) -> Any:
    """The value of one of `attributes`: cleaned, and without values if it is a statement."""
    if key in STATEMENTS and type(value) is str:
        return statement(value[: sqltext.MAX_SQL], dialect_of(attributes))
    return cleaned(key, value)


def dialect_of(attributes: Mapping[str, Any]) -> str:
    """Which database's language a span's statement is in, as far as it says so."""
    return str(attributes.get("db.system.name") or attributes.get("db.system") or "")


@lru_cache(maxsize=256)
def statement(sql: str, dialect: str) -> str:
    """A statement without values; there are a few dozen, each of them sent for every request."""
    return redaction.scrub_text(sqltext.without_values(sql, dialect), MAX_VALUE)


def cleaned(key: str, value: Any) -> Any:
    """An attribute's value, of which no secret is told and no more than its bounds."""
    kind = type(value)
    if kind is bool or (kind is str and key in CHECKED):
        return value
    if kind is float:
        return redaction.scrub_number(value)
    if privacy.is_secret(key):
        return privacy.MASK
    if kind is str:
        return _text(key, value)
    if kind is bytes:
        return _bytes(value[:MAX_VALUE])
    return privacy.safe(value[:MAX_ITEMS] if kind in (tuple, list) else value)


def _bytes(value: bytes) -> bytes:
    text = value.decode("utf-8", "replace")
    shown = redaction.scrub_text(text, MAX_VALUE)
    return value if shown == text else shown.encode()


def _text(key: str, value: str) -> str:
    if len(value) >= MAX_KEPT:  # it was cut, maybe within a secret, which is not recognised by its half
        value = value[:-_CUT_EDGE]
    if key.endswith(tuple(URLS)):
        value = scrub_url(value)
    elif key == "url.query":
        value = scrub_query(value)
    return redaction.scrub_text(value, redaction.MAX_TEXT if key == EXCEPTION_STACKTRACE else MAX_VALUE)


def _forget(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: SCRUB_KEYS may be others now."""
    if setting == conf.SETTING:
        statement.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_observe.spantext", weak=False)
