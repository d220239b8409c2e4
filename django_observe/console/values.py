"""Attribute values as they come over the wire, made bounded and safe to store as JSON."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

from django_observe.console import limits

JSONValue = str | int | float | bool | list[Any] | dict[str, Any] | None
DROPPED_KEY: Final = "observe.dropped_attributes"
_INT64: Final = 2**63 - 1
_DIGITS: Final = 9


def text(value: str, limit: int = limits.VALUE_CHARS) -> str:
    """`value` without NUL and lone surrogates, cut at `limit` characters with a mark that tells how many."""
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    if "\x00" in value:
        value = value.replace("\x00", "\ufffd")
    if len(value) > limit:
        return f"{value[:limit]}… [{len(value) - limit} characters cut]"
    return value


def whole(value: int) -> int:
    """A uint64 of the wire as a SQLite integer, clamped: one record must not sink its batch."""
    return max(-_INT64, min(value, _INT64))


def plain(value: Any) -> JSONValue:
    """An OTLP AnyValue message as plain JSON data. Depth is bounded by the parsers."""
    kind = value.WhichOneof("value")
    read = _READERS.get(kind)
    return read(getattr(value, kind)) if read else None


def _finite(value: float) -> JSONValue:
    return value if math.isfinite(value) else str(value)


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """OTLP KeyValue messages as a dict of at most 128 keys; how many more there were is a key of its own."""
    kept: dict[str, Any] = {}
    dropped = 0
    for pair in pairs:
        if len(kept) < limits.ATTRIBUTES:
            kept[text(pair.key, limits.NAME_CHARS)] = plain(pair.value)
        else:
            dropped += 1
    if dropped:
        kept[DROPPED_KEY] = dropped
    return kept


_READERS: Final[dict[str, Callable[[Any], JSONValue]]] = {
    "string_value": text,
    "bool_value": bool,
    "int_value": int,
    "double_value": _finite,
    "bytes_value": lambda value: text(base64.b64encode(value).decode()),
    "array_value": lambda value: [plain(item) for item in value.values[: limits.ATTRIBUTES]],
    "kvlist_value": lambda value: attributes(value.values),
}


def dump(data: Any) -> str:
    """Compact JSON of data that `plain` made."""
    return orjson.dumps(data).decode()


def bounded(data: dict[str, Any]) -> dict[str, Any]:
    """Cuts nested values whose JSON is longer than one value may be."""
    for key, value in data.items():
        if isinstance(value, list | dict):
            encoded = dump(value)
            if len(encoded) > limits.VALUE_CHARS:
                data[key] = text(encoded)
    return data


def first_text(data: Mapping[str, Any], *keys: str) -> str | None:
    """The first non-empty value among `keys`, as text; of a list, as captured headers are, its first item."""
    for key in keys:
        value = data.get(key)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and value != "" and not isinstance(value, dict):
            return str(value)
    return None


def first_whole(data: Mapping[str, Any], *keys: str) -> int | None:
    """The first value among `keys` that is a whole number."""
    found = first_text(data, *keys)
    return int(found) if found and found.isascii() and found.isdigit() and len(found) <= _DIGITS else None


def digest(encoded: str) -> bytes:
    """The key under which equal resources are stored once."""
    return hashlib.blake2b(encoded.encode(), digest_size=16).digest()
