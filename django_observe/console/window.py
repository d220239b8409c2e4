"""The stretch of time over which a page adds up: the part of its range in which anything was counted."""

from __future__ import annotations

import sqlite3
import time
from typing import Final, NamedTuple

from django_observe.console.tallies import BUCKET_SECONDS, bucket_start
from django_observe.console.timerange import TimeRange

_SLOTS: Final = 60
_MOST: Final = 30_000
_FIRST: Final = "SELECT min(at) FROM (SELECT min(bucket) AS at FROM red UNION SELECT min(bucket) FROM edge)"
_LAST: Final = "SELECT max(at) FROM (SELECT max(bucket) AS at FROM red UNION SELECT max(bucket) FROM edge)"
_NEWEST: Final = """SELECT min(bucket), count(*) FROM
  (SELECT bucket FROM {} WHERE bucket>=? AND bucket<? ORDER BY bucket DESC LIMIT ?)"""


class Window(NamedTuple):
    """A stretch of time in Unix seconds, in slots of `step` seconds for charts.

    `cut`: so much was counted in the time asked for that this is only its end.
    """

    since: int
    until: int
    step: int
    cut: bool = False

    @property
    def seconds(self) -> int:
        """What counts are divided by to be rates."""
        return self.until - self.since

    @property
    def bounds(self) -> tuple[int, int]:
        """Unix nanoseconds from which on, and before which, a span lies in it; whole 10 s, as rates are."""
        return self.since * 10**9, (bucket_start(self.until * 10**9 - 1) + BUCKET_SECONDS) * 10**9

    @property
    def length(self) -> int:
        """Nanoseconds, to be shown."""
        return self.seconds * 10**9

    @property
    def starts(self) -> range:
        """When each slot begins."""
        return range(self.since, self.until, self.step)

    def slot(self, bucket: int) -> int:
        """The number of the slot that has the 10 s from `bucket` on."""
        return (bucket - self.since) // self.step

    def slot_seconds(self, number: int) -> int:
        """The last slot may not be over: what it has counts for the time that has passed."""
        left = self.until - self.since - number * self.step
        return max(min(left, self.step), BUCKET_SECONDS // 2)


def of(connection: sqlite3.Connection, wanted: TimeRange) -> Window:
    """The part of a time range in which anything was counted, at least 10 s, in at most 60 slots.

    A range that goes on to now ends now, so that rates fall when requests cease; all that is kept ends with
    its last request.
    """
    first, last = (connection.execute(query).fetchone()[0] for query in (_FIRST, _LAST))
    now = int(time.time()) + 1
    since, until = first if first is not None else bucket_start(now * 10**9), now
    if wanted.until_ns is not None:
        until = min(until, bucket_start(wanted.until_ns) + BUCKET_SECONDS)
    elif wanted.since_ns is None and last is not None:
        until = min(until, last + BUCKET_SECONDS)
    if wanted.since_ns is not None:
        since = max(since, bucket_start(wanted.since_ns))
    since = min(since, bucket_start((until - BUCKET_SECONDS) * 10**9))
    newest = max(_newest(connection, table, since, until) for table in ("red", "edge"))
    parts = -(-(until - newest) // _SLOTS)
    return Window(newest, until, -(-parts // BUCKET_SECONDS) * BUCKET_SECONDS, newest > since)


def _newest(connection: sqlite3.Connection, table: str, since: int, until: int) -> int:
    """From when on the window has no more rows than can be added up in a tenth of a second or two."""
    first, rows = connection.execute(_NEWEST.format(table), (since, until, _MOST)).fetchone()
    return int(first) + BUCKET_SECONDS if rows == _MOST and first + BUCKET_SECONDS < until else since
