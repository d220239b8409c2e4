"""Rows into tables, within the writer's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TypeVar

from django_observe.console import limits, summaries
from django_observe.console.intake import Intake
from django_observe.console.rates import COLUMNS, Rates
from django_observe.console.retention import Keeper
from django_observe.console.rows import LogRow, Resource, SpanRow

_Row = TypeVar("_Row", SpanRow, LogRow)

_INSERT_SPAN = f"""INSERT OR IGNORE INTO span(trace_id, span_id, parent_id, resource, service, scope, name,
  kind,   start_ns, dur_ns, status, status_msg, corr, route, http, attrs, events, links, listed_ns)
  VALUES({",".join("?" * 19)})"""
_INSERT_LOG = f"""INSERT INTO log(ts, resource, service, sev, logger, body, error, trace_id, span_id,
  corr, attrs, listed_ns) VALUES({",".join("?" * 12)})"""
_NEW_SPANS = f"SELECT {COLUMNS} FROM span WHERE id > ? ORDER BY id"  # noqa: S608
_NEW_LOGS = "SELECT trace_id, ts, corr, listed_ns FROM log WHERE id > ? AND trace_id IS NOT NULL"
_INDEX_LOGS = "INSERT INTO log_fts(rowid, body, error) SELECT id, body, error FROM log WHERE id > ?"


class Inserter:
    """Inserts spans once however often they are sent, and keeps summaries and rates in step."""

    def __init__(self, connection: sqlite3.Connection, intake: Intake, keeper: Keeper) -> None:
        self._connection = connection
        self._intake = intake
        self._keeper = keeper
        self._resources: dict[bytes, int] = {}
        self._rates = Rates()

    def insert(self, spans: list[SpanRow], logs: list[LogRow]) -> tuple[int, int]:
        """How many spans and log lines are new."""
        self._resources.clear()  # retention may have removed some since the last call
        trace_ids = {row.trace_id for row in spans} | {row.trace_id for row in logs if row.trace_id}
        known = summaries.load(self._connection, trace_ids)
        spans = self._admitted(spans, known, {key: one.spans for key, one in known.items()})
        logs = self._admitted(logs, known, {key: one.logs for key, one in known.items()})
        span_floor, log_floor = self._last_id("span"), self._last_id("log")
        self._connection.executemany(
            _INSERT_SPAN,
            [(*row[:3], self._resource(row.resource), row.resource.service, *row[4:]) for row in spans],
        )
        self._connection.executemany(
            _INSERT_LOG,
            [(row.ts, self._resource(row.resource), row.resource.service, *row[2:]) for row in logs],
        )
        self._connection.execute(_INDEX_LOGS, (log_floor,))
        new_spans = self._summarise(known, span_floor, log_floor)
        summaries.save(self._connection, {key: one for key, one in known.items() if one.spans or one.logs})
        self._rates.save(self._connection)
        self._intake.drop("duplicate_spans", len(spans) - new_spans)
        return new_spans, len(logs)

    def rolled_back(self) -> None:
        """Nothing of the last call was stored."""
        self._rates.forget()

    def _summarise(self, known: dict[bytes, summaries.Summary], span_floor: int, log_floor: int) -> int:
        cursor = self._connection.cursor()
        cursor.row_factory = sqlite3.Row
        new_spans = 0
        for row in cursor.execute(_NEW_SPANS, (span_floor,)):
            known[row["trace_id"]].add_span(row)
            self._rates.add(row)
            new_spans += 1
        for row in cursor.execute(_NEW_LOGS, (log_floor,)):
            known[row["trace_id"]].add_log(row)
        return new_spans

    def _admitted(
        self, rows: Sequence[_Row], known: dict[bytes, summaries.Summary], counts: dict[bytes, int]
    ) -> list[_Row]:
        """Without the rows of evicted traces and the surplus of traces that are full."""
        admitted = []
        for row in rows:
            if row.trace_id is None:
                admitted.append(row)
            elif self._keeper.evicted(row.trace_id):
                self._intake.drop("late_for_evicted_trace", 1)
            elif counts[row.trace_id] >= limits.TRACE_ROWS:
                known[row.trace_id].surplus += 1
                self._intake.drop("trace_too_large", 1)
            else:
                counts[row.trace_id] += 1
                admitted.append(row)
        return admitted

    def _last_id(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608

    def _resource(self, resource: Resource) -> int:
        found = self._resources.get(resource.hash)
        if found is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO resource(hash, service, instance, attrs) VALUES(?,?,?,?)",
                (resource.hash, resource.service, resource.instance, resource.attrs),
            )
            row = self._connection.execute(
                "SELECT id FROM resource WHERE hash=?", (resource.hash,)
            ).fetchone()
            found = self._resources[resource.hash] = int(row[0])
        return found
