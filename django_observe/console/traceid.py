"""How a trace ID is written: 32 hexadecimal digits, in either case (W3C Trace Context, section 3.2.2.3)."""

from __future__ import annotations

import re


def is_trace_id(text: str) -> bool:
    """Whether `text` could be one; an all-zero ID is none, but no span has it either."""
    return re.fullmatch(r"[0-9a-fA-F]{32}", text) is not None
