"""How values read on the pages: times, durations, and text from outside made visible. A template library."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone, tzinfo
from typing import Final

from django.template import Library

register = Library()

_UNITS: Final = ((10**9, "s"), (10**6, "ms"), (10**3, "µs"))
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_HEX_ID: Final = re.compile(r"[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MINUTE_NS: Final = 60 * 10**9
_ZONE: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


@contextmanager
def in_zone(zone: tzinfo | None) -> Iterator[None]:
    """Times are shown in `zone`; None is the machine's own, which is also that of its reader."""
    token = _ZONE.set(zone)
    try:
        yield
    finally:
        _ZONE.reset(token)


def localized(moment: datetime) -> datetime:
    """A time without a zone, as its reader meant it."""
    zone = _ZONE.get()
    return moment.replace(tzinfo=zone) if zone else moment.astimezone()


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
    """Time of day with milliseconds."""
    return f"{_local(ns):%H:%M:%S}.{ns % 10**9 // 10**6:03d}"


@register.filter
def moment(ns: int) -> str:
    """Date and time with milliseconds and the zone."""
    local = _local(ns)
    return f"{local:%Y-%m-%d %H:%M:%S}.{ns % 10**9 // 10**6:03d} {local:%Z}"


def told(ns: int) -> str:
    """A moment as short as today allows: 14:05:09, or 3 Jan 14:05."""
    local = _local(ns)
    today = _local(time.time_ns()).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local.day} {local:%b %H:%M}"


@register.filter
def field(ns: int) -> str:
    """As the value of a form's date and time field."""
    return f"{_local(ns):%Y-%m-%dT%H:%M:%S}"


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


def is_random(text: str) -> bool:
    """Whether an ID is a random number, of which eight digits tell it from any other."""
    return _HEX_ID.fullmatch(text) is not None


@register.filter
def short_id(text: str) -> str:
    """An ID as lists show it: eight digits of a random one; of one with words what tells it from the next."""
    if is_random(text):
        return text[:8]
    return text if len(text) <= 20 else f"{text[:18]}\u2026"  # noqa: PLR2004


@register.filter
def visible(text: str) -> str:
    """Text from outside without terminal colours, and with control and direction characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", _ANSI.sub("", text.replace("\r\n", "\n")))


def _local(ns: int) -> datetime:
    try:
        return datetime.fromtimestamp(ns // 10**9, tz=timezone.utc).astimezone(_ZONE.get())
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, tz=timezone.utc)
