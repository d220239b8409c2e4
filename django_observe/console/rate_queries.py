"""Rates, errors and percentiles of a stretch of time, added up from the 10 s rows of `red` and `edge`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from django_observe.console import histogram
from django_observe.console.peers import CALL, UNANSWERED
from django_observe.console.quiet_routes import is_quiet
from django_observe.console.window import Window

SERVER: Final = 2
CONSUMER: Final = 5
Operation = tuple[str, str, int]
"""A service, a route or task of it, and the kind of its spans (OTLP number)."""

Edge = tuple[str, str, str]
"""Who called, who was called, and how: peers.CALL, peers.DATABASE or peers.MESSAGING."""

_RED: Final = "SELECT bucket, service, op, kind, n, err, sum_ns, hist FROM red WHERE bucket>=? AND bucket<?"
_EDGE: Final = "SELECT src, dst, type, n, err, sum_ns, hist FROM edge WHERE bucket>=? AND bucket<?"


@dataclass
class Measure:
    """Requests or calls: how many, how many of them failed, how long they took.

    `unanswered` are calls that a service known to be at their address has no span of.
    """

    n: int = 0
    errors: int = 0
    total_ns: int = 0
    blobs: list[bytes] = field(default_factory=list)
    unanswered: int = 0

    def add(self, n: int, errors: int, total_ns: int, blob: bytes) -> None:
        """Counts what a row of `red` or `edge` has; before the first percentile is asked for."""
        self.n += n
        self.errors += errors
        self.total_ns += total_ns
        self.blobs.append(blob)

    def join(self, other: Measure) -> None:
        """Counts what another has."""
        self.n += other.n
        self.errors += other.errors
        self.total_ns += other.total_ns
        self.unanswered += other.unanswered
        self.blobs += other.blobs

    @cached_property
    def counts(self) -> Counter[int]:
        """The histogram of all durations."""
        return histogram.merge(self.blobs)

    def quantile(self, share: float) -> int:
        """Nanoseconds, at most 19 % off; 0 of none."""
        return int(histogram.quantile(self.counts, share, self.total_ns))


@dataclass
class ServiceRates:
    """One service's requests and tasks, in all and by slot; in `last` its latest 10 s began."""

    slots: list[int]
    http: Measure = field(default_factory=Measure)
    tasks: Measure = field(default_factory=Measure)
    last: int = 0

    @cached_property
    def total(self) -> Measure:
        """Requests and tasks together, once all are counted."""
        both = Measure()
        both.join(self.http)
        both.join(self.tasks)
        return both


@dataclass
class Requests:
    """What was served: by service, and by operation; and what of health checks and the like was left out."""

    services: dict[str, ServiceRates] = field(default_factory=dict)
    each: dict[Operation, Measure] = field(default_factory=dict)
    quiet: Counter[str] = field(default_factory=Counter)


def requests(connection: sqlite3.Connection, at: Window, *, with_quiet: bool = False) -> Requests:
    """All services' requests and tasks."""
    found = Requests()
    for bucket, service, op, kind, n, *rest in _rows(connection, at):
        if not with_quiet and is_quiet(op):
            found.quiet[op] += n
            continue
        rates = found.services.get(service)
        if rates is None:
            rates = found.services[service] = ServiceRates([0] * len(at.starts))
        found.each.setdefault((service, op, kind), Measure()).add(n, *rest)
        rates.last = bucket
        rates.slots[at.slot(bucket)] += n
    for (service, _, kind), measure in found.each.items():
        rates = found.services[service]
        (rates.http if kind == SERVER else rates.tasks).join(measure)
    return found


@dataclass
class Operations:
    """One service's requests: in all, by operation and kind, and by slot."""

    slots: list[Measure]
    total: Measure = field(default_factory=Measure)
    each: dict[Operation, Measure] = field(default_factory=dict)
    quiet: Counter[str] = field(default_factory=Counter)


def operations(
    connection: sqlite3.Connection, at: Window, service: str, *, with_quiet: bool = False
) -> Operations:
    """What one service was asked for."""
    found = Operations([Measure() for _ in at.starts])
    for bucket, _, op, kind, n, *rest in _rows(connection, at, service):
        if not with_quiet and is_quiet(op):
            found.quiet[op] += n
            continue
        found.total.add(n, *rest)
        found.slots[at.slot(bucket)].add(n, *rest)
        found.each.setdefault((service, op, kind), Measure()).add(n, *rest)
    return found


def edges(connection: sqlite3.Connection, at: Window) -> dict[Edge, Measure]:
    """Who called whom, answered or not."""
    found: dict[Edge, Measure] = {}
    for source, target, kind, n, *rest in connection.execute(_EDGE, (at.since, at.until)):
        unanswered = kind == UNANSWERED
        measure = found.setdefault((source, target, CALL if unanswered else kind), Measure())
        measure.add(n, *rest)
        measure.unanswered += n * unanswered
    return found


def _rows(connection: sqlite3.Connection, at: Window, service: str = "") -> Iterator[sqlite3.Row]:
    where, values = (" AND service=?", (service,)) if service else ("", ())
    return connection.execute(f"{_RED}{where} ORDER BY bucket", (at.since, at.until, *values))
