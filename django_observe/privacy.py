"""Making any value fit to leave the process: JSON-safe, capped, secrets masked. Nothing here raises.

Objects of Django's (requests, responses, models, querysets, lazy objects) are named, never turned into text:
their text holds query strings and personal data, or runs a query. Users take what `redaction` has from here.
"""

from __future__ import annotations

import dataclasses
import math
import traceback
from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import islice
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject

from django_observe.records import Failure
from django_observe.redaction import (
    MASK,
    MAX_NAME,
    MAX_TEXT,
    cut,
    is_secret,
    scrub_path,
    scrub_query,
    scrub_text,
)
from django_observe.reporting import guard

__all__ = [
    "MASK",
    "MAX_ITEMS",
    "MAX_NAME",
    "MAX_TEXT",
    "MAX_VALUE",
    "cut",
    "failure_of",
    "is_secret",
    "safe",
    "scrub_path",
    "scrub_query",
    "scrub_text",
]

MAX_VALUE = 4_096
"""Characters of one string inside a value."""

MAX_DEPTH = 6
MAX_ITEMS = 64
"""Entries of one container."""

MAX_CONTAINERS = 64
MAX_FRAMES = 60
MAX_INTEGER = 2**63
"""JSON numbers beyond 64 bits are lost or refused by most readers: they become text."""

TOO_DEEP, TOO_LARGE, CIRCULAR, UNREADABLE = "[too deep]", "[too large]", "[circular]", "[unreadable]"

_SEQUENCES = (list, tuple, set, frozenset, deque)
_NAMED = (HttpRequest, HttpResponseBase, Model, QuerySet, Manager, LazyObject)


def safe(value: Any) -> Any:
    """`value` as JSON can hold it: scrubbed, capped in depth, items and text; NaN becomes a string."""
    kind = type(value)
    if kind is str:
        return scrub_text(value, MAX_VALUE)
    if value is None or kind is bool or (kind is int and -MAX_INTEGER <= value < MAX_INTEGER):
        return value
    with guard("privacy"):
        return _Walk().value(value, 0)
    return UNREADABLE


def failure_of(error: BaseException) -> Failure:
    """What is told of an exception: qualified type, message and stack, scrubbed; never a frame's locals."""
    kind = _name(type(error))
    message = stack = UNREADABLE
    with guard("privacy"):
        message = scrub_text(str(error), MAX_VALUE)
    with guard("privacy"):
        told = traceback.TracebackException(
            type(error), error, error.__traceback__, limit=-MAX_FRAMES, compact=True
        )
        stack = scrub_text("".join(told.format()).rstrip("\n"), MAX_TEXT)
    return Failure(kind, message, stack)


class _Walk:
    """One walk through a value, with one budget of text and containers for all of it."""

    __slots__ = ("_above", "_characters", "_containers")

    def __init__(self) -> None:
        self._characters = MAX_TEXT
        self._containers = MAX_CONTAINERS
        self._above: list[int] = []

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, Enum):
            return self.value(value.value, depth)
        if issubclass(kind, int):
            number = int(value)
            return number if -MAX_INTEGER <= number < MAX_INTEGER else self._long(number)
        if issubclass(kind, float):
            return float(value) if math.isfinite(value) else _not_finite(value)
        if issubclass(kind, (Mapping, *_SEQUENCES)) or dataclasses.is_dataclass(kind):
            return self._container(value, depth)
        return self._text(_text_of(value))

    def _container(self, value: Any, depth: int) -> Any:
        if id(value) in self._above:
            return self._text(CIRCULAR)
        if depth >= MAX_DEPTH:
            return self._text(TOO_DEEP)
        self._containers -= 1
        if self._containers < 0:
            return self._text(TOO_LARGE)
        self._above.append(id(value))
        try:
            if issubclass(type(value), _SEQUENCES):
                return self._items(value, depth)
            return self._entries(_entries_of(value), depth)
        finally:
            self._above.pop()

    def _items(self, value: Any, depth: int) -> list[Any]:
        whole = len(value) <= MAX_ITEMS
        items = [self._item(item, depth + 1) for item in islice(value, MAX_ITEMS if whole else MAX_ITEMS - 1)]
        return items if whole else [*items, self._text(TOO_LARGE)]

    def _entries(self, entries: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        safe_entries: dict[str, Any] = {}
        for key, item in entries:
            if len(safe_entries) >= MAX_ITEMS - 1:
                safe_entries[TOO_LARGE] = TOO_LARGE
                break
            name = self._text(key if type(key) is str else _key_of(key))
            masked = is_secret(name) and item is not None
            safe_entries[name] = self._text(MASK) if masked else self._item(item, depth + 1)
        return safe_entries

    def _item(self, item: Any, depth: int) -> Any:
        with guard("privacy"):
            return self.value(item, depth)
        return UNREADABLE

    def _text(self, text: str) -> str:
        text = scrub_text(text, MAX_VALUE)
        if len(text) > self._characters:
            text = TOO_LARGE
        self._characters -= len(text)
        return text

    def _long(self, number: int) -> str:
        bits = number.bit_length()
        return self._text(str(number) if bits <= 1_024 else f"[integer of {bits} bits]")  # noqa: PLR2004


def _text_of(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, (bytes, bytearray)):
        return bytes(value[:MAX_VALUE]).decode("utf-8", "replace")
    if issubclass(kind, _NAMED):
        return _named(value)
    if issubclass(kind, BaseException):
        return f"{_name(kind)}: {value}"
    if issubclass(kind, type):
        return f"<class {_name(value)}>"
    if {"__str__", "__repr__"}.isdisjoint(name for parent in kind.__mro__[:-1] for name in vars(parent)):
        return f"<{_name(kind)}>"
    return str.__str__(value) if issubclass(kind, str) else str(value)


def _named(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, HttpRequest):
        return f"<{kind.__name__} {value.method} {scrub_path(value.path)}>"
    if issubclass(kind, HttpResponseBase):
        return f"<{kind.__name__} {value.status_code}>"
    if issubclass(kind, QuerySet):
        return f"<{kind.__name__} of {_name(value.model)}>"
    return f"<{_name(kind)}>"


def _entries_of(value: Any) -> Iterable[tuple[Any, Any]]:
    if issubclass(type(value), Mapping):
        return ((key, item) for key, item in value.items())
    return ((entry.name, getattr(value, entry.name, None)) for entry in dataclasses.fields(value))


def _key_of(key: Any) -> str:
    if issubclass(type(key), (tuple, frozenset)):
        return ", ".join(_key_of(part) for part in key)
    return _not_finite(key) if type(key) is float and not math.isfinite(key) else _text_of(key)


def _not_finite(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
