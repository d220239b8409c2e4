"""OTLP/JSON into protobuf messages. It differs from protobuf's JSON in one thing: ids are hex, not base64.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from django_observe.console import limits, values

_ID_KEYS: Final = frozenset({"traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id"})
_VALUE_DEPTH: Final = (
    12  # what surrounds an attribute value: request, resource, scope, span, event, attribute
)


class JSONError(ValueError):
    """The body is not OTLP/JSON."""


def parse(body: bytes, message: Message) -> None:
    """Fills `message`. Unknown fields are ignored, as the specification wants. Raises JSONError."""
    try:
        data = json.loads(body or b"{}")
        if not isinstance(data, dict):
            raise JSONError("an OTLP/JSON request is an object")
        json_format.ParseDict(
            _prepared(data, 0), message, ignore_unknown_fields=True, max_recursion_depth=400
        )
    except (RecursionError, UnicodeError, json.JSONDecodeError, json_format.ParseError) as fault:
        raise JSONError(str(fault)) from fault
    except (TypeError, AttributeError, ValueError) as fault:  # protobuf's JSON parser on wrongly typed parts
        raise JSONError(f"wrongly typed part: {fault}") from fault


def _prepared(node: Any, depth: int) -> Any:
    # One level of attribute nesting is up to four of JSON: value, arrayValue, values, [].
    if depth > limits.NESTING * 4 + _VALUE_DEPTH:
        raise JSONError(f"nested deeper than {limits.NESTING} values")
    if isinstance(node, dict):
        return {
            values.text(key): _identifier(value) if key in _ID_KEYS else _prepared(value, depth + 1)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_prepared(item, depth + 1) for item in node]
    return values.text(node, limits.INFLATED_BYTES) if isinstance(node, str) else node


def _identifier(value: Any) -> str:
    """Hex to base64; what is not hex becomes an id of a wrong length: only its own record is refused."""
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b"?"
    except ValueError:
        raw = b"?"
    return base64.b64encode(raw).decode()
