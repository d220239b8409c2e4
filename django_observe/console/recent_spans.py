"""What is read from the newest spans, because nobody counted it: examples, statements, queue waits."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from django_observe.console import histogram
from django_observe.console.window import Window
from django_observe.sqltext import without_values

SPANS: Final = 50_000
"""How many of a window's newest spans are read: what is told of them is true of these."""

STATEMENT_SPANS: Final = 10_000
"""Of these statements are read, whose attributes have to be parsed."""

_PRESENT_SPANS: Final = 5_000
_WAITS: Final = 2_000
_NAME_CHARS: Final = 200  # as long as an operation's name in the table of rates

_NTH_NEWEST: Final = """SELECT listed_ns FROM span WHERE listed_ns>=? AND listed_ns<?
  ORDER BY listed_ns DESC LIMIT 1 OFFSET ?"""
_WITHIN: Final = "span.listed_ns>=? AND span.listed_ns<?"
_EXAMPLES: Final = f"""WITH request AS (SELECT trace_id, span_id, substr(name, 1, {_NAME_CHARS}) AS op, kind,
    dur_ns, status, listed_ns FROM span WHERE {_WITHIN} AND service=? AND kind IN (2, 5))
  SELECT 0 AS failed, trace_id, span_id, op, kind, dur_ns, max(dur_ns) FROM request GROUP BY op, kind
  UNION ALL SELECT 1, trace_id, span_id, op, kind, dur_ns, max(listed_ns) FROM request
    WHERE status=2 GROUP BY op, kind"""  # noqa: S608
_TEXT: Final = (
    """coalesce(json_extract(attrs, '$."db.query.text"'), json_extract(attrs, '$."db.statement"'), name)"""
)
_DIALECT: Final = (
    """coalesce(json_extract(attrs, '$."db.system.name"'), json_extract(attrs, '$."db.system"'))"""
)
_SQL: Final = f"""SELECT trace_id, span_id, dur_ns, {_TEXT} AS text, {_DIALECT} AS dialect FROM span
  WHERE {_WITHIN} AND service=? AND kind=3 AND dialect IS NOT NULL"""  # noqa: S608
_REQUESTS: Final = f"SELECT count(*) FROM span WHERE {_WITHIN} AND service=? AND kind IN (2, 5)"  # noqa: S608
_QUEUED: Final = f"""SELECT sent.service AS src, ran.service AS dst,
  max(ran.start_ns - sent.start_ns - sent.dur_ns, 0) AS wait_ns,
  json_extract(sent.attrs, '$."messaging.system"') AS broker
  FROM (SELECT trace_id, parent_id, service, start_ns FROM span WHERE {_WITHIN} AND kind=5
    ORDER BY listed_ns DESC LIMIT {_WAITS}) AS ran
  JOIN span AS sent ON sent.trace_id=ran.trace_id AND sent.span_id=ran.parent_id
  WHERE sent.kind=4"""  # noqa: S608
_PRESENT: Final = f"""SELECT resource.service AS service, instance, max(listed_ns) AS last_ns
  FROM span CROSS JOIN resource ON resource.id=span.resource WHERE {_WITHIN}
  GROUP BY resource.id"""  # noqa: S608


def _newest(connection: sqlite3.Connection, at: Window, spans: int) -> tuple[int, int]:
    """The part of a window that its newest spans lie in; a subquery with LIMIT would copy every column."""
    since, until = at.bounds
    nth = connection.execute(_NTH_NEWEST, (since, until, spans - 1)).fetchone()
    return (nth[0] if nth else since), until


class Example(NamedTuple):
    """A span to look at."""

    trace_id: str
    span_id: str
    dur_ns: int


Found: TypeAlias = dict[tuple[str, int], Example]
"""By name and kind of the operation."""


def examples(connection: sqlite3.Connection, at: Window, service: str) -> tuple[Found, Found]:
    """The slowest request of each operation, and the latest that failed."""
    slowest: Found = {}
    failed: Found = {}
    for row in connection.execute(_EXAMPLES, (*_newest(connection, at, SPANS), service)):
        (failed if row["failed"] else slowest)[row["op"], row["kind"]] = _example(row)
    return slowest, failed


def _example(row: Any) -> Example:
    return Example(row["trace_id"].hex(), row["span_id"].hex(), row["dur_ns"])


_Call: TypeAlias = tuple[int, bytes, bytes]  # how long it took (ns), its trace's and its own ID


@dataclass
class Statement:
    """A statement without its values: how often it was called, how long that took (ns), its slowest call."""

    text: str
    dialect: str
    calls: int = 0
    total_ns: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    slowest: Example | None = None

    def add(self, calls: list[_Call]) -> None:
        """Counts calls, of which there is one at least."""
        took = [dur_ns for dur_ns, _, _ in calls]
        self.calls += len(took)
        self.total_ns += sum(took)
        self.counts.update(map(histogram.bucket_of, took))
        dur_ns, trace_id, span_id = max(calls)
        if self.slowest is None or dur_ns > self.slowest.dur_ns:
            self.slowest = Example(trace_id.hex(), span_id.hex(), dur_ns)


def statements(connection: sqlite3.Connection, at: Window, service: str) -> list[Statement]:
    """What a service asked its databases, by the time it took in all."""
    calls: defaultdict[tuple[Any, Any], list[_Call]] = defaultdict(list)
    rows = connection.execute(_SQL, (*_newest(connection, at, STATEMENT_SPANS), service))
    for trace_id, span_id, dur_ns, text, dialect in rows:
        calls[text, dialect].append((dur_ns, trace_id, span_id))
    found: dict[tuple[str, str], Statement] = {}
    for (told, system), each in calls.items():
        dialect = str(system)
        text = without_values(str(told), dialect)
        found.setdefault((text, dialect), Statement(text, dialect)).add(each)
    return sorted(found.values(), key=lambda one: -one.total_ns)


def requests_read(connection: sqlite3.Connection, at: Window, service: str) -> int:
    """How many requests and tasks of a service are among the spans that `statements` reads."""
    newest = _newest(connection, at, STATEMENT_SPANS)
    return int(connection.execute(_REQUESTS, (*newest, service)).fetchone()[0])


@dataclass
class Presence:
    """Which instances of a service sent spans, and when its last one began (Unix nanoseconds)."""

    instances: set[str] = field(default_factory=set)
    last_ns: int = 0


def presence(connection: sqlite3.Connection, at: Window) -> dict[str, Presence]:
    """Who was there, by service; of those that are rare among the newest spans nothing is known."""
    found: dict[str, Presence] = {}
    for row in connection.execute(_PRESENT, _newest(connection, at, _PRESENT_SPANS)):
        one = found.setdefault(row["service"], Presence())
        one.instances.add(row["instance"])
        one.last_ns = max(one.last_ns, row["last_ns"])
    return found


@dataclass
class Queue:
    """How long messages from one service waited for another: a histogram, and what carried them."""

    brokers: set[str] = field(default_factory=set)
    counts: Counter[int] = field(default_factory=Counter)


def queues(connection: sqlite3.Connection, at: Window) -> dict[tuple[str, str], Queue]:
    """The time between the end of a producer's span and the start of its consumer's, by both services."""
    found: dict[tuple[str, str], Queue] = {}
    for row in connection.execute(_QUEUED, _newest(connection, at, SPANS)):
        queue = found.setdefault((row["src"], row["dst"]), Queue())
        queue.counts[histogram.bucket_of(row["wait_ns"])] += 1
        if row["broker"]:
            queue.brokers.add(str(row["broker"]))
    return found
