"""Rows of the list of services."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django_observe.console import figures, links, rate_queries, recent_spans
from django_observe.console.figures import Figures, Line
from django_observe.console.rate_queries import Measure, ServiceRates
from django_observe.console.recent_spans import Presence
from django_observe.console.timerange import TimeRange
from django_observe.console.window import Window


@dataclass(frozen=True)
class Call:
    """A service, database, queue or host that a service calls, and how often a second."""

    title: str
    rate: str
    is_service: bool


@dataclass(frozen=True)
class Load:
    """What a service is asked to do: of which kind, how much, and a line of requests per second."""

    kind: str
    figures: Figures
    line: Line
    highest: str


@dataclass(frozen=True)
class ServiceRow:
    """One service; without a load nobody asked anything of it. `more_calls` counts those left out."""

    name: str
    href: str
    load: Load | None
    instances: int
    calls: list[Call]
    more_calls: int
    seen_ns: int


def rows(
    connection: sqlite3.Connection,
    at: Window,
    served: Mapping[str, ServiceRates],
    known: list[str],
    shown: TimeRange,
) -> list[ServiceRow]:
    """All known services, by name."""
    present = recent_spans.presence(connection, at)
    calls = _calls(rate_queries.edges(connection, at), at, known)
    found = []
    for name in sorted(known):
        there, rates = present.get(name, Presence()), served.get(name)
        found.append(
            ServiceRow(
                name=name,
                href=links.of_service(name, shown),
                load=_load(rates, at) if rates else None,
                instances=len(there.instances),
                calls=calls.get(name, [])[:2],
                more_calls=len(calls.get(name, [])[2:]),
                seen_ns=max(there.last_ns, rates.last * 10**9 if rates else 0),
            )
        )
    return found


def _load(rates: ServiceRates, at: Window) -> Load:
    per_second = [n / at.slot_seconds(slot) for slot, n in enumerate(rates.slots)]
    return Load(
        kind=", ".join(name for name, part in (("web", rates.http), ("worker", rates.tasks)) if part.n),
        figures=figures.figures(rates.total, at.seconds),
        line=figures.line(per_second),
        highest=figures.rate(max(per_second)),
    )


def _calls(
    edges: Mapping[rate_queries.Edge, Measure], at: Window, known: Iterable[str]
) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    services = set(known)
    for (source, target, _), measure in sorted(edges.items(), key=lambda pair: -pair[1].n):
        call = Call(target, figures.rate(measure.n / at.seconds), target in services)
        found.setdefault(source, []).append(call)
    return found


SORTS: Final[dict[str, Callable[[ServiceRow], Any]]] = {
    "name": lambda row: row.name,
    "rate": lambda row: -row.load.figures.n if row.load else 1,
    "errors": lambda row: -row.load.figures.share if row.load else 1,
    "p95": lambda row: -row.load.figures.p95_ns if row.load else 1,
}
