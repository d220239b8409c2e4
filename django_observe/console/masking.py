"""Values whose key sounds secret are not shown. The library redacts before export; this is the second net."""

from __future__ import annotations

import re
from typing import Any, Final

REDACTED: Final = "[redacted]"
_SECRET: Final = re.compile(
    r"authorization|cookie|passw(or)?d|passphrase|secret|api[-_.]?key|private[-_.]?key|access[-_.]?key|credential"
    r"|session[-_.]?id|csrf|(^|[-_.])token($|[-_.](?!count|type))|(^|[-_.])(access|refresh|auth|id|bearer)token$",
    re.IGNORECASE,
)


def masked(attrs: dict[str, Any]) -> dict[str, Any]:
    """A copy with the values of secret-looking keys replaced, also inside nested objects."""
    return {key: REDACTED if _SECRET.search(key) else _nested(value) for key, value in attrs.items()}


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return masked(value)
    return [_nested(item) for item in value] if isinstance(value, list) else value
