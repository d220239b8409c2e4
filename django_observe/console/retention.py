"""Eviction: the oldest whole traces go when age, count or size is over its limit, in the writer's pauses."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import OrderedDict
from typing import Final

from django_observe.console import rates
from django_observe.console.freememory import give_back
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.store import Store, bytes_used
from django_observe.console.tallies import BUCKET_SECONDS

_STEP_ROWS: Final = 500
_SWEEP_SECONDS: Final = 0.02
_IDLE_SECONDS: Final = 5.0
_TOMBSTONES: Final = 5_000
_RESOURCES: Final = 1_000

_END_OF_TIME: Final = 2**63 - 1

_OLDEST_TRACE = """SELECT listed_ns, trace_id FROM trace WHERE trace_id NOT IN (SELECT trace_id FROM pin)
  ORDER BY listed_ns LIMIT 1"""
_OLDEST_LONE_LOG = "SELECT listed_ns, NULL FROM log WHERE trace_id IS NULL ORDER BY listed_ns LIMIT 1"
_UNINDEX = "INSERT INTO log_fts(log_fts, rowid, body, error) SELECT 'delete', id, body, error FROM log WHERE "
_ENDED_RUNS = "DELETE FROM run WHERE id < (SELECT max(id) FROM run WHERE started_ns < ?)"
_UNUSED_RESOURCES = """DELETE FROM resource WHERE id NOT IN (SELECT resource FROM span)
  AND id NOT IN (SELECT resource FROM log)"""


class Keeper:
    """Knows how much is stored and evicts in order of age, so that what is left is always complete."""

    def __init__(self, store: Store, intake: Intake, retention: Retention) -> None:
        self._connection = store.connection
        self._intake = intake
        self._retention = retention
        self._spans = self._logs = 0
        self._tombstones: OrderedDict[bytes, None] = OrderedDict()
        self._behind = False
        self._next_rates = 0.0

    def start(self) -> None:
        """Counts what an earlier run left."""
        self._spans, self._logs = (
            int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
            for table in ("span", "log")
        )

    def grown(self, spans: int, logs: int) -> None:
        """Adds what a commit brought."""
        self._spans += spans
        self._logs += logs

    def evicted(self, trace_id: bytes) -> bool:
        """Whether the trace was evicted lately: its late spans must not bring back a part of it."""
        return trace_id in self._tombstones

    def pause(self) -> float:
        """Seconds until the next sweep if nothing is written meanwhile."""
        return 0.001 if self._behind else _IDLE_SECONDS

    def sweep(self, *, idle: bool) -> None:
        """Evicts for at most 20 ms; what is left over is done by the next sweep."""
        deadline = time.monotonic() + _SWEEP_SECONDS
        with contextlib.suppress(sqlite3.Error):  # a full disk: the next sweep tries again
            self._evict_rates()
            done = self._horizon() is None or self._evict(deadline)
            self._behind = not done or time.monotonic() > self._next_rates
            self._connection.execute("PRAGMA incremental_vacuum(200)").fetchall()
            if idle and not self._behind:
                self._tidy()

    def _evict_rates(self) -> None:
        """Rates and edges grow by the kinds of what happens, not by its amount: looked at every 10 s."""
        if time.monotonic() < self._next_rates:
            return
        cutoff = int(time.time_ns() - self._retention.seconds * 10**9)
        self._connection.execute(_ENDED_RUNS, (cutoff,))
        if not rates.evict(self._connection, cutoff):
            self._next_rates = time.monotonic() + BUCKET_SECONDS

    def _tidy(self) -> None:
        if self._connection.execute("SELECT count(*) FROM resource").fetchone()[0] > _RESOURCES:
            self._connection.execute(_UNUSED_RESOURCES)
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.execute("PRAGMA shrink_memory")
        give_back()

    def _horizon(self) -> int | None:
        """Nothing newer than this (Unix nanoseconds) may be evicted now; None when all limits are kept."""
        keep = self._retention
        if self._spans > keep.spans or self._logs > keep.logs or bytes_used(self._connection) > keep.bytes:
            if self._oldest():
                return _END_OF_TIME
            self.start()  # all that is left is pinned, or another process changed the file
            return None
        cutoff = int(time.time_ns() - keep.seconds * 10**9)
        return cutoff if any(listed < cutoff for listed, _ in self._oldest()) else None

    def _oldest(self) -> list[tuple[int, bytes | None]]:
        """The oldest trace and the oldest log line without a trace, as far as there are any, oldest first."""
        rows = (self._connection.execute(query).fetchone() for query in (_OLDEST_TRACE, _OLDEST_LONE_LOG))
        return sorted((row for row in rows if row), key=lambda row: row[0])

    def _evict(self, deadline: float) -> bool:
        """Evicts in one transaction, until all limits are kept (True) or the time is over."""
        spans, logs, gone = self._spans, self._logs, list[bytes]()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            while (until := self._horizon()) is not None and time.monotonic() < deadline:
                gone += self._step(until)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._spans, self._logs = spans, logs
            raise
        self._bury(gone)
        self._intake.drop("evicted_spans", max(spans - self._spans, 0))  # a recount may have found more
        self._intake.drop("evicted_logs", max(logs - self._logs, 0))
        return until is None

    def _step(self, until: int) -> list[bytes]:
        """Evicts one trace, or a chunk of lone log lines that are older than every trace."""
        oldest = self._oldest()
        trace_id = oldest[0][1]
        if trace_id is not None:
            self._evict_trace(trace_id)
            return [trace_id]
        self._evict_lone_logs(min(until, oldest[1][0] if len(oldest) > 1 else until))
        return []

    def _evict_trace(self, trace_id: bytes) -> None:
        self._spans -= self._connection.execute("DELETE FROM span WHERE trace_id=?", (trace_id,)).rowcount
        self._logs -= self._delete_logs("trace_id=?", (trace_id,))
        self._connection.execute("DELETE FROM trace WHERE trace_id=?", (trace_id,))

    def _bury(self, trace_ids: list[bytes]) -> None:
        """Remembers what has gone, so that its late spans do not bring back a part."""
        self._tombstones.update(dict.fromkeys(trace_ids))
        while len(self._tombstones) > _TOMBSTONES:
            self._tombstones.popitem(last=False)

    def _evict_lone_logs(self, until: int) -> None:
        surplus = self._logs - self._retention.logs
        self._logs -= self._delete_logs(
            "id IN (SELECT id FROM log WHERE trace_id IS NULL AND listed_ns <= ? ORDER BY listed_ns LIMIT ?)",
            (until, min(_STEP_ROWS, surplus) if surplus > 0 else _STEP_ROWS),
        )

    def _delete_logs(self, where: str, parameters: tuple[object, ...]) -> int:
        """The full-text index must be told the old text before the row goes, else it corrupts."""
        self._connection.execute(_UNINDEX + where, parameters)
        return self._connection.execute(f"DELETE FROM log WHERE {where}", parameters).rowcount  # noqa: S608
