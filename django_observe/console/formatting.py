"""How values read on the pages: times, durations, and text from outside made visible. A template library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Final

from django.template import Library

register = Library()

_UNITS: Final = ((10**9, "s"), (10**6, "ms"), (10**3, "µs"))
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_MINUTE_NS: Final = 60 * 10**9


@register.filter
def duration(ns: int) -> str:
    """Nanoseconds with three significant figures: 85.2 µs, 412 ms, 1.24 s, 3 min 05 s."""
    if ns >= _MINUTE_NS:
        minutes, rest = divmod(ns, _MINUTE_NS)
        return f"{minutes:,} min {rest // 10**9:02d} s"
    for size, unit in _UNITS:
        if ns >= size:
            value = ns / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"  # noqa: PLR2004
    return f"{ns} ns"


@register.filter
def clock(ns: int) -> str:
    """Local time of day with milliseconds: the console and its reader share a machine."""
    return f"{_local(ns):%H:%M:%S}.{ns % 10**9 // 10**6:03d}"


@register.filter
def moment(ns: int) -> str:
    """Local date and time with milliseconds and the zone."""
    local = _local(ns)
    return f"{local:%Y-%m-%d %H:%M:%S}.{ns % 10**9 // 10**6:03d} {local:%Z}"


@register.filter
def offset(ns: int) -> str:
    """A time since the trace's start, signed."""
    return f"-{duration(-ns)}" if ns < 0 else f"+{duration(ns)}"


@register.filter
def size(count: int) -> str:
    """Bytes as MB with one decimal below ten."""
    megabytes = count / 1024 / 1024
    return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"  # noqa: PLR2004


@register.filter
def number(count: int) -> str:
    """With thousands separators."""
    return f"{count:,}"


@register.filter
def item(mapping: Mapping[str, int], key: str) -> int:
    """The value of a key that the template has in a variable; 0 when there is none."""
    return mapping.get(key, 0)


@register.filter
def visible(text: str) -> str:
    """Text from outside without terminal colours, and with control and direction characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", _ANSI.sub("", text.replace("\r\n", "\n")))


def _local(ns: int) -> datetime:
    try:
        return datetime.fromtimestamp(ns // 10**9, tz=timezone.utc).astimezone()
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, tz=timezone.utc)
