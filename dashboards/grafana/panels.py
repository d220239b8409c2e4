"""What a panel says: its queries, how they look, what they mean, and where one goes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from dashboards import links

Kind = Literal["stat", "timeseries", "table", "heatmap", "state-timeline", "logs", "traces", "nodeGraph"]
Step = tuple["float | None", str]
"""From this value on, this colour; None is the lowest step."""

GREEN: Final = "green"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"
BLUE: Final = "blue"
PURPLE: Final = "purple"
GREY: Final = "#8e8e8e"
"""Colours have meanings: green is well, yellow and orange want a look, red is broken, blue counts."""

NEUTRAL: Final[tuple[Step, ...]] = ((None, BLUE),)
ZERO_IS_WELL: Final[tuple[Step, ...]] = ((None, GREEN), (0.000001, RED))
ERROR_RATIO: Final[tuple[Step, ...]] = ((None, GREEN), (0.001, YELLOW), (0.01, RED))
"""Yellow is the default objective, three nines; at red, a month's budget lasts three days."""
BUDGET_LEFT: Final[tuple[Step, ...]] = ((None, RED), (0, ORANGE), (0.25, YELLOW), (0.5, GREEN))
LATENCY: Final[tuple[Step, ...]] = ((None, GREEN), (0.5, YELLOW), (1, RED))
"""Seconds; the default latency objective is half a second."""


@dataclass(frozen=True)
class Query:
    """A PromQL or LogQL query. `empty_when_healthy` says why it may return nothing while all is well."""

    expr: str
    legend: str = ""
    source: str = links.PROMETHEUS
    instant: bool = False
    exemplar: bool = False
    table: bool = False
    buckets: bool = False
    empty_when_healthy: str | None = None


@dataclass(frozen=True)
class TraceQuery:
    """A query of Grafana's Jaeger data source: a search, a trace by its ID, or the dependency graph."""

    fields: Mapping[str, str | int]


@dataclass(frozen=True)
class Link:
    """Where one goes from here; the address may hold Grafana's variables."""

    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table's column. `source` is a field's name or the number of the query whose value it is."""

    source: str | int
    title: str
    unit: str = "none"
    steps: tuple[Step, ...] = ()
    links: tuple[Link, ...] = ()
    width: int | None = None
    decimals: int | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. Its description is made of what it `shows`, and what to do `then`, when it looks bad."""

    kind: Kind
    title: str
    shows: str
    then: str
    queries: tuple[Query | TraceQuery, ...]
    links: tuple[Link, ...]
    unit: str = "short"
    width: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()
    colors: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    states: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stacked: bool = False
    bars: bool = False
    labels_as_columns: bool = False
    ascending: bool = False
    sort_by: str = ""
    minimum: float | None = 0
    maximum: float | None = None
    time_from: str = ""
    no_value: str = ""
    decimals: int | None = None

    @property
    def description(self) -> str:
        """As Grafana shows it, in Markdown."""
        return f"{self.shows}\n\n**When it looks bad:** {self.then}"


@dataclass(frozen=True)
class Row:
    """A titled row of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Mark:
    """Moments or spans of time marked over all graphs: where the PromQL `expr` has a value."""

    name: str
    color: str
    expr: str
    title: str
    tags: str


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable at the top of a dashboard; without `query`, in PromQL's terms, it is a text box."""

    name: str
    label: str
    about: str
    query: str = ""
    regex: str = ""
    many: bool = False
    all_at_first: bool = True
    hidden: bool = False
    all_value: str = ".*"


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    about: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    start: str = "now-1h"
    refresh: str = "30s"
