"""How many log lines match: over time by level, and by what they could be narrowed to."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django_observe.console.formatting import clock
from django_observe.console.queries import LogFilter, log_selection
from django_observe.console.severity import LEVELS, level_name
from django_observe.console.time_axis import LEFT, WIDTH, TimeAxis

COUNTED: Final = 20_000
HEIGHT: Final = 56
_BUCKETS: Final = 80
_FACETS: Final = 12
_GROUPS: Final = {"ERROR": ("ERROR", "CRITICAL"), "WARNING": ("WARNING",), "INFO": ("INFO", "DEBUG", "TRACE")}


@dataclass(frozen=True)
class Column:
    """A part of a bar: one level in one stretch of time; x and width in percent, y and height in pixels."""

    level: str
    x: float
    width: float
    y: float
    height: float
    text: str


@dataclass(frozen=True)
class Histogram:
    """Columns over time, oldest first."""

    columns: list[Column]
    axis: TimeAxis
    total: int
    complete: bool


@dataclass(frozen=True)
class Facet:
    """A value that lines have, and how many of them."""

    value: str
    count: int


Sample = Sequence[tuple[int, int, str, str]]
"""Lines as (listed_ns, severity, service, logger), newest first."""


def counts(
    connection: sqlite3.Connection, wanted: LogFilter
) -> tuple[Histogram | None, dict[str, list[Facet]]]:
    """Of the newest 20,000 lines: those that match over time, and what they could be narrowed to."""
    narrowed = bool(wanted.service or wanted.logger or wanted.severity)
    every = _sample(connection, replace(wanted, service="", logger="", severity=0))
    matching = _sample(connection, wanted) if narrowed else every
    return _histogram(matching, wanted), _facets(every, wanted)


def _sample(connection: sqlite3.Connection, wanted: LogFilter) -> Sample:
    chosen, parameters = log_selection(replace(wanted, before=None))
    connection.row_factory, usual = None, connection.row_factory
    try:
        return connection.execute(
            f"SELECT log.listed_ns, log.sev, log.service, log.logger FROM {chosen} LIMIT {COUNTED}",  # noqa: S608
            parameters,
        ).fetchall()
    finally:
        connection.row_factory = usual


def _histogram(lines: Sample, wanted: LogFilter) -> Histogram | None:
    if not lines:
        return None
    complete = len(lines) < COUNTED
    times = [line[0] for line in lines]
    since = wanted.since_ns if complete and wanted.since_ns is not None else min(times)
    until = max(wanted.until_ns if wanted.until_ns is not None else max(times), since + 10**9)
    step = -(-(until - since + 1) // _BUCKETS)
    found: dict[int, Counter[str]] = {}
    for (bucket, severity), count in Counter(((line[0] - since) // step, line[1]) for line in lines).items():
        group = next(name for name, levels in _GROUPS.items() if level_name(severity) in levels)
        found.setdefault(bucket, Counter())[group] += count
    return Histogram(_columns(found, since, step), TimeAxis(since, until), len(lines), complete)


def _facets(lines: Sample, wanted: LogFilter) -> dict[str, list[Facet]]:
    """For each dimension the values among lines that meet all other conditions."""
    severities: Counter[int] = Counter()
    services: Counter[str] = Counter()
    loggers: Counter[str] = Counter()
    for (severity, service, logger), count in Counter(line[1:] for line in lines).items():
        met = (severity >= wanted.severity, wanted.service in ("", service), wanted.logger in ("", logger))
        severities[severity] += count * (met[1] and met[2])
        services[service] += count * (met[0] and met[2])
        loggers[logger] += count * (met[0] and met[1])
    return {"level": _levels(severities), "service": _most(services), "logger": _most(loggers)}


def _most(counted: Counter[str]) -> list[Facet]:
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Facet(value, count) for value, count in ordered[:_FACETS] if value and count]


def _levels(counted: Counter[int]) -> list[Facet]:
    """Each level with the lines of at least that level, as the filter means it."""
    own = {level_name(severity) for severity, count in counted.items() if count}
    return [
        Facet(name, sum(count for severity, count in counted.items() if severity >= lowest))
        for name, lowest in LEVELS.items()
        if name in own
    ]


def _columns(counts: Mapping[int, Mapping[str, int]], since: int, step: int) -> list[Column]:
    highest = max(sum(groups.values()) for groups in counts.values())
    columns = []
    for bucket, groups in sorted(counts.items()):
        y = float(HEIGHT)
        at = clock(since + bucket * step)[:8]
        for level in (name for name in _GROUPS if name in groups):  # the gravest stand at the bottom
            count = groups[level]
            height = max(round(count * HEIGHT / highest, 1), 1.0)
            y -= height
            x = round(LEFT + bucket * WIDTH / _BUCKETS, 2)
            text = f"{at} {count} {level}"
            columns.append(Column(level, x, round(WIDTH / _BUCKETS * 0.8, 2), round(y, 1), height, text))
    return columns
