"""Making any value fit to leave the process: JSON-safe, capped, secrets masked. Nothing here raises.

Objects of Django's (requests, responses, models, querysets, lazy objects) are named, never turned into text:
their text holds query strings and personal data, or runs a query. Paths and queries have files of their own.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import islice
from typing import Any
from urllib.parse import ParseResult, SplitResult

from django_observe.cards import is_card
from django_observe.failuretext import UNREADABLE, failure_of
from django_observe.objecttext import key_text_of, not_finite, text_of
from django_observe.querytext import scrub_query
from django_observe.redaction import MAX_NAME, MAX_TEXT, MAX_VALUE, cut, scrub_number, scrub_text
from django_observe.reporting import guard
from django_observe.secretnames import MASK, NAMED, NAMING, is_counted, is_hidden_setting, is_secret

__all__ = [
    "MASK",
    "MAX_ITEMS",
    "MAX_NAME",
    "MAX_TEXT",
    "MAX_VALUE",
    "cut",
    "failure_of",
    "is_secret",
    "named",
    "safe",
    "scrub_text",
]

MAX_DEPTH = 6
MAX_ITEMS = 64
"""Entries of one container."""

MAX_CONTAINERS = 64
MAX_INTEGER = 2**63
"""JSON numbers beyond 64 bits are lost or refused by most readers: they become text."""

MAX_COUNT = 10**9
"""The largest number that under `tokens` and the like is how many there are."""

TOO_DEEP, TOO_LARGE, CIRCULAR = "[too deep]", "[too large]", "[circular]"

_SEQUENCES = (list, tuple, set, frozenset, deque)
_URLS = (SplitResult, ParseResult)
_EMPTY = frozenset({str, bytes, list, tuple, dict})
_QUERIES = frozenset({"query_string", "url.query"})
_NAME = re.compile(r"[\w.-]{1,64}")
_SHORTEST_CARD, _LONGEST_CARD = 10**12, 10**19


def safe(value: Any) -> Any:
    """`value` as JSON can hold it: scrubbed, capped in depth, items and text; NaN becomes a string."""
    kind = type(value)
    if kind is str:
        return scrub_text(value, MAX_VALUE)
    if value is None or kind is bool:
        return value
    if kind is int and -MAX_INTEGER <= value < _SHORTEST_CARD:
        return scrub_number(value)
    with guard("privacy"):
        return _Walk().value(value, 0)
    return UNREADABLE


def named(name: str, value: Any) -> Any:
    """`value` as `safe` makes it, where it stands under `name`: masked if that is a secret's."""
    if is_secret(name) and not _tells_nothing(name, value):
        return MASK
    if name.isupper() or name in _QUERIES:
        with guard("privacy"):
            return _Walk().entry(name, value, 0)
        return UNREADABLE
    return safe(value)


class _Walk:
    """One walk through a value, with one budget of text and containers for all of it."""

    __slots__ = ("_above", "_characters", "_containers", "_settings")

    def __init__(self) -> None:
        self._characters = MAX_TEXT
        self._containers = MAX_CONTAINERS
        self._above: list[int] = []
        self._settings = False

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, Enum):
            return self.value(value.value, depth)
        if issubclass(kind, int):
            return self._number(int(value))
        if issubclass(kind, float):
            return scrub_number(float(value)) if math.isfinite(value) else not_finite(value)
        if issubclass(kind, (Mapping, *_SEQUENCES)) or dataclasses.is_dataclass(kind):
            return self._container(value, depth)
        return self._text(text_of(value))

    def _container(self, value: Any, depth: int) -> Any:
        if type(value) in _URLS:
            return self._text(value.geturl())
        if id(value) in self._above or depth >= MAX_DEPTH:
            return self._text(CIRCULAR if id(value) in self._above else TOO_DEEP)
        self._containers -= 1
        if self._containers < 0:
            return self._text(TOO_LARGE)
        self._above.append(id(value))
        try:
            fields = getattr(type(value), "_fields", None)
            if issubclass(type(value), tuple) and isinstance(fields, tuple):
                return self._entries(zip(fields, value, strict=False), depth)
            if issubclass(type(value), _SEQUENCES):
                return self._items(value, depth)
            return self._entries(_entries_of(value), depth)
        finally:
            self._above.pop()

    def _items(self, value: Any, depth: int) -> list[Any]:
        """A pair may be a name and its value, as in ASGI's headers; so may two arguments of a program."""
        size = len(value)
        whole = size <= MAX_ITEMS
        items: list[Any] = []
        hidden = False
        for item in islice(value, MAX_ITEMS if whole else MAX_ITEMS - 1):
            items.append(self._text(MASK) if hidden else self._item(item, depth + 1))
            is_first = len(items) == 1 and size == 2  # noqa: PLR2004
            hidden = (is_first or _is_option(items[-1])) and _is_name(items[-1])
        return items if whole else [*items, self._text(TOO_LARGE)]

    def _entries(self, entries: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        safe_entries: dict[str, Any] = {}
        for key, item in entries:
            if len(safe_entries) >= MAX_ITEMS - 1:
                safe_entries[TOO_LARGE] = TOO_LARGE
                break
            name = self._text(key if type(key) is str else key_text_of(key))
            safe_entries[name] = self.entry(name, item, depth)
        naming = [item for name, item in safe_entries.items() if name.lower() in NAMING and _is_name(item)]
        if naming:
            hidden = [name for name in safe_entries if name.lower() in NAMED]
            safe_entries |= dict.fromkeys(hidden, MASK)
        return safe_entries

    def entry(self, name: str, item: Any, depth: int) -> Any:
        """The value under a name. Below an UPPER_CASE one are settings: what Django hides there is hidden."""
        above = self._settings
        settings = self._settings = above or name.isupper()
        try:
            hidden = is_secret(name) or (settings and is_hidden_setting(name))
            if hidden and not _tells_nothing(name, item):
                return self._text(MASK)
            if name.lower() in _QUERIES and isinstance(item, (str, bytes)):
                return self._text(scrub_query(text_of(item)))
            return self._item(item, depth + 1)
        finally:
            self._settings = above

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

    def _number(self, number: int) -> Any:
        if _SHORTEST_CARD <= number < _LONGEST_CARD and is_card(str(number)):
            return self._text(MASK)
        return scrub_number(number) if -MAX_INTEGER <= number < MAX_INTEGER else self._long(number)

    def _long(self, number: int) -> str:
        bits = number.bit_length()
        return self._text(str(number) if bits <= 1_024 else f"[integer of {bits} bits]")  # noqa: PLR2004


def _tells_nothing(name: str, value: Any) -> bool:
    """Whether a value is no secret whatever its name: none, empty, no, yes, or how many there are."""
    kind = type(value)
    if value is None or kind is bool or (kind in _EMPTY and not value):
        return True
    return (kind is int or kind is float) and abs(value) <= MAX_COUNT and is_counted(name)


def _entries_of(value: Any) -> Iterable[tuple[Any, Any]]:
    if issubclass(type(value), Mapping):
        return ((key, item) for key, item in value.items())
    return ((entry.name, getattr(value, entry.name, None)) for entry in dataclasses.fields(value))


def _is_name(item: Any) -> bool:
    return type(item) is str and _NAME.fullmatch(item) is not None and is_secret(item)


def _is_option(item: Any) -> bool:
    return type(item) is str and item.startswith("--")
