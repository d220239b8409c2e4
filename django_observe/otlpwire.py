"""Protobuf's wire format as far as OTLP needs it: bytes at once, without a message object for each value.

https://protobuf.dev/programming-guides/encoding/; AnyValue: opentelemetry/proto/common/v1/common.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import NoneType
from typing import Any, Final

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Types of fields on the wire."""

_LEAST, _BEYOND = -(2**63), 2**63
_LONGEST_CACHED = 256
_BYTES: Final = tuple(bytes((number,)) for number in range(128))
_TEXTS: Final = tuple(bytes((0x12, size + 2, 0x0A, size)) for size in range(126))
"""What stands before a pair's value that is a text of so many bytes (saves 2k instructions of 5k)."""

fixed64: Final = struct.Struct("<Q").pack
"""The eight bytes of a time; raises `struct.error` for what is none."""

_double = struct.Struct("<d").pack


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, the lowest first."""
    if number < len(_BYTES):
        return _BYTES[number]
    encoded = bytearray()
    while number > 127:  # noqa: PLR2004
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def tag(field: int, kind: int = LENGTH) -> bytes:
    """What stands before a field's value."""
    return varint(field << 3 | kind)


def delimited(data: bytes) -> bytes:
    """`data` after its length, as messages, texts and bytes are written."""
    return varint(len(data)) + data


def text(given: str) -> bytes:
    """A text after its length; lone surrogates, which UTF-8 has no bytes for, cost one character each."""
    try:
        data = given.encode()
    except UnicodeEncodeError:
        data = given.encode("utf-8", "replace")
    return varint(len(data)) + data


def repeated(field_tag: bytes, messages: Iterable[bytes]) -> bytes:
    """Messages that have their length already, each after the tag."""
    return field_tag.join((b"", *messages))


def key(name: str) -> bytes:
    """The first field of a KeyValue."""
    return _short_key(name) if len(name) <= _LONGEST_CACHED else b"\x0a" + text(name)


@lru_cache(maxsize=1024)
def _short_key(name: str) -> bytes:
    return b"\x0a" + text(name)


def pair(encoded_key: bytes, value: Any) -> bytes:
    """A KeyValue after its length, of what `key` made and any value that `any_value` takes."""
    if type(value) is str and value.isascii() and len(value) < len(_TEXTS):
        data = encoded_key + _TEXTS[len(value)] + value.encode()
    else:
        data = encoded_key + b"\x12" + delimited(any_value(value))
    return varint(len(data)) + data


def any_value(value: Any) -> bytes:
    """An AnyValue, without its length.

    Raises:
        OverflowError: for an integer beyond 64 bits.
        TypeError: for what OTLP has no kind of value for.
    """
    encode = _KINDS.get(type(value))
    if encode is None:
        raise TypeError(type(value).__name__)
    return encode(value)


def _nothing(_: None) -> bytes:
    return b""


def _string(value: str) -> bytes:
    return b"\x0a" + text(value)


def _boolean(value: bool) -> bytes:
    return b"\x10\x01" if value else b"\x10\x00"


def _integer(value: int) -> bytes:
    if not _LEAST <= value < _BEYOND:
        raise OverflowError(f"{value.bit_length()} bits")
    return b"\x18" + varint(value & (2**64 - 1))


def _number(value: float) -> bytes:
    return b"\x21" + _double(value)


def _array(values: Iterable[Any]) -> bytes:
    return b"\x2a" + delimited(b"".join([b"\x0a" + delimited(any_value(value)) for value in values]))


def _map(values: Mapping[str, Any]) -> bytes:
    pairs = [b"\x0a" + pair(key(name), value) for name, value in values.items()]
    return b"\x32" + delimited(b"".join(pairs))


def _bytes(value: bytes) -> bytes:
    return b"\x3a" + delimited(value)


_KINDS: Final[dict[type, Callable[[Any], bytes]]] = {
    NoneType: _nothing,
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _number,
    list: _array,
    tuple: _array,
    dict: _map,
    bytes: _bytes,
}


def fields(message: bytes) -> dict[int, Any]:
    """The last value of each field: an integer, or the bytes.

    Raises:
        ValueError: when this is no message, or breaks off.
    """
    found: dict[int, Any] = {}
    position = 0
    while position < len(message):
        head, position = _varint_at(message, position)
        field, kind = head >> 3, head & 7
        if kind == VARINT:
            found[field], position = _varint_at(message, position)
            continue
        size = _SIZES.get(kind)
        if size is None:
            if kind != LENGTH:
                raise ValueError(f"wire type {kind}")
            size, position = _varint_at(message, position)
        found[field] = message[position : position + size]
        position += size
    if position > len(message):
        raise ValueError("breaks off")
    return found


_SIZES: Final = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10


def _varint_at(message: bytes, position: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(message[position : position + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * place
        if byte < 128:  # noqa: PLR2004
            return number, position + place + 1
    raise ValueError("breaks off")
