"""Numbers of many spans in one row per 10 s and key: how many, how many failed, how long they took."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from django_observe.console import histogram

BUCKET_SECONDS: Final = 10
_MOST: Final = 2**63 - 1
Key = tuple[int, str, str, str | int]


def bucket_start(time_ns: int) -> int:
    """Unix seconds at which the 10 s around `time_ns` begin."""
    return time_ns // 10**9 // BUCKET_SECONDS * BUCKET_SECONDS


@dataclass
class Tally:
    """What was counted under one key; negative while a call is moved to another."""

    n: int = 0
    errors: int = 0
    sum_ns: int = 0
    counts: Counter[int] = field(default_factory=Counter)


class Tallies:
    """Counts for one table (`red`: bucket, service, op, kind; `edge`: bucket, src, dst, type) until saved."""

    def __init__(self, table: str, columns: str) -> None:
        where = " AND ".join(f"{column}=?" for column in columns.split(", "))
        self._select = f"SELECT n, err, sum_ns, hist FROM {table} WHERE {where}"  # noqa: S608
        self._delete = f"DELETE FROM {table} WHERE {where}"  # noqa: S608
        self._insert = (
            f"INSERT OR REPLACE INTO {table}({columns}, n, err, sum_ns, hist) VALUES(?,?,?,?,?,?,?,?)"
        )
        self._changed: dict[Key, Tally] = {}

    def count(self, key: Key, dur_ns: int, error: bool, sign: int = 1) -> None:
        """Adds one span, or takes it back with `sign=-1`."""
        tally = self._changed.get(key)
        if tally is None:
            tally = self._changed[key] = Tally()
        tally.n += sign
        tally.errors += sign * error
        tally.sum_ns += sign * dur_ns
        tally.counts[histogram.bucket_of(dur_ns)] += sign

    def save(self, connection: sqlite3.Connection) -> None:
        """Adds what was counted to the rows of the table; a row of nothing is removed."""
        for key, change in self._changed.items():
            row = connection.execute(self._select, key).fetchone() or (0, 0, 0, b"")
            counts = histogram.decode(row[3])
            for bucket, count in change.counts.items():
                counts[bucket] += count
            if row[0] + change.n > 0:
                total = min(max(row[2] + change.sum_ns, 0), _MOST)
                merged = (row[0] + change.n, row[1] + change.errors, total, histogram.encode(counts))
                connection.execute(self._insert, (*key, *merged))
            else:
                connection.execute(self._delete, key)
        self._changed.clear()

    def forget(self) -> None:
        """Drops what was counted and not saved."""
        self._changed.clear()
