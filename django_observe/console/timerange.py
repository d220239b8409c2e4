"""The time range that a page shows, read from its query string: every view is a link."""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from django.http import QueryDict

from django_observe.console import formatting

_SPANS: Final = {"5m": (300, "5 min"), "15m": (900, "15 min"), "1h": (3600, "1 h"), "24h": (86400, "24 h")}
_STARTED: Final = "start"
_LATEST: Final = (2**63 - 1) // 10**6 * 10**6
_MILLISECONDS: Final = re.compile(r"[0-9]{1,15}")
_OWN: Final = ("range", "from", "to")
_PARAMETERS: Final = (*_OWN, "before")


@dataclass(frozen=True)
class TimeRange:
    """Unix nanoseconds, both ends included; None is open. `query` names the range in a query string."""

    since_ns: int | None = None
    until_ns: int | None = None
    label: str = "Everything kept"
    query: str = ""

    @property
    def suffix(self) -> str:
        """What to put behind a path that has no query yet, such as `?range=15m`."""
        return f"?{self.query}" if self.query else ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The hidden fields of a form that keeps the range."""
        return parse_qsl(self.query)

    @property
    def moves(self) -> bool:
        """Whether the range ends now, so that it shows something else a while later."""
        return self.since_ns is not None and self.until_ns is None and self.query != f"range={_STARTED}"


@dataclass(frozen=True)
class Choice:
    """One entry of the selector."""

    label: str
    query: str
    current: bool


EVERYTHING: Final = TimeRange()


def of(parameters: QueryDict, connection: sqlite3.Connection) -> TimeRange:
    """`range=5m|15m|1h|24h|start`, or `from=` and `to=`. Raises ValueError that says what is accepted."""
    named = parameters.get("range", "")
    if named in _SPANS:
        seconds, label = _SPANS[named]
        return TimeRange(time.time_ns() - seconds * 10**9, None, f"Last {label}", f"range={named}")
    if named == _STARTED:
        row = connection.execute("SELECT max(started_ns) FROM run").fetchone()
        return TimeRange(row[0], None, "Since last start", f"range={_STARTED}")
    if named:
        raise ValueError(f"range={named[:40]}: {', '.join((*_SPANS, _STARTED))} are accepted")
    return _between(parameters.get("from", "").strip(), parameters.get("to", "").strip())


def choices(parameters: QueryDict, current: TimeRange) -> list[Choice]:
    """The selector's entries: the same page with another range, and from its first row."""
    named = {"Everything kept": ""}
    named |= {f"Last {label}": f"range={key}" for key, (_, label) in _SPANS.items()}
    named["Since last start"] = f"range={_STARTED}"
    rest = urlencode(other_pairs(parameters))
    return [
        Choice(label, "&".join(filter(None, (rest, query))), query == current.query)
        for label, query in named.items()
    ]


def other_pairs(parameters: QueryDict) -> list[tuple[str, str]]:
    """The query without the range and the place in the list."""
    return [
        (name, str(value))
        for name in parameters
        if name not in _PARAMETERS
        for value in parameters.getlist(name)
    ]


def own_pairs(parameters: QueryDict) -> list[tuple[str, str]]:
    """The range's part of the query, unread."""
    return [(name, str(parameters[name])) for name in _OWN if parameters.get(name)]


def _between(since: str, until: str) -> TimeRange:
    if not since and not until:
        return EVERYTHING
    start, end = _time_ns("from", since), _time_ns("to", until)
    if start is not None and end is not None and end < start:
        raise ValueError("from= is later than to=")
    pairs = {"from": start, "to": end}
    query = "&".join(f"{name}={value // 10**6}" for name, value in pairs.items() if value is not None)
    return TimeRange(start, end, f"{_told(start, 'start')} to {_told(end, 'now')}", query)


def _time_ns(name: str, text: str) -> int | None:
    """Unix milliseconds, or what a date and time field of a form sends, in the reader's zone."""
    if not text:
        return None
    if _MILLISECONDS.fullmatch(text):
        return min(int(text) * 10**6, _LATEST)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = formatting.localized(moment)
        return min(max(int(moment.timestamp() * 1000), 0) * 10**6, _LATEST)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{name}={text[:40]}: Unix milliseconds or a time such as 2026-01-31T14:30 is accepted"
        ) from None


def _told(time_ns: int | None, open_end: str) -> str:
    return open_end if time_ns is None else formatting.told(time_ns)
