"""Which attributes a log line's fields become in OTLP: in names, number and size as stores accept them.

Loki refuses a record with more than 64 KB or 128 entries of structured metadata, the resource's included
(limits_config: max_structured_metadata_size, max_structured_metadata_entries_count), and for some names the
whole batch, neighbours and all. Bounds below that keep a record, cut short, instead of losing it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_letters, digits
from typing import Any, Final

import orjson

from django_observe import json

MAX_BYTES: Final = 49_152
"""Of all attributes of a record; the rest of 64 KB is for the resource."""

MAX_NESTED: Final = 32
"""Values within the maps of a record: Loki makes an entry of each."""

_FLAT: Final = frozenset({str, int, float, bool})
_FIRST: Final = frozenset(ascii_letters + digits)
_NAMED: Final = re.compile("[A-Za-z0-9]")
"""What a name needs one of, to be a label's once the other characters have become underscores."""


def fitted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value: every name usable, many nested values as JSON text, long texts cut."""
    named = {
        name if name[:1] in _FIRST else _named(name): value
        for name, value in fields.items()
        if value is not None
    }
    if not _FLAT.issuperset(map(type, named.values())) and sum(map(_nested, named.values())) > MAX_NESTED:
        named = {name: _text(value) if _nested(value) else value for name, value in named.items()}
    return named if len(orjson.dumps(named)) <= MAX_BYTES else json.fitted(named, MAX_BYTES)


def _named(name: str) -> str:
    return name if _NAMED.search(name) else f"extra_{name}"


def _nested(value: Any) -> int:
    if not isinstance(value, Mapping):
        return 0
    return sum(_nested(item) or 1 for item in value.values())


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
