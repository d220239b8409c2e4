"""The panels most rows are made of: a number, curves, a table."""

from __future__ import annotations

from typing import Any

from dashboards.grafana.panels import NEUTRAL, Column, Link, Panel, Query


def figure(title: str, shows: str, then: str, query: Query, *goes_to: Link, **looks: Any) -> Panel:
    """A number with its curve behind it, an eighth of a row wide unless `looks` says otherwise."""
    looks = {"width": 3, "height": 4, "steps": NEUTRAL, **looks}
    return Panel(kind="stat", title=title, shows=shows, then=then, queries=(query,), links=goes_to, **looks)


def graph(
    title: str, shows: str, then: str, queries: Query | tuple[Query, ...], *goes_to: Link, **looks: Any
) -> Panel:
    """Curves over time, half a row wide unless `looks` says otherwise."""
    several = queries if isinstance(queries, tuple) else (queries,)
    return Panel(
        kind="timeseries", title=title, shows=shows, then=then, queries=several, links=goes_to, **looks
    )


def listing(
    title: str,
    shows: str,
    then: str,
    queries: tuple[Query, ...],
    columns: tuple[Column, ...],
    *goes_to: Link,
    **looks: Any,
) -> Panel:
    """A table of the moment, half a row wide unless `looks` says otherwise."""
    return Panel(
        kind="table",
        title=title,
        shows=shows,
        then=then,
        queries=queries,
        columns=columns,
        links=goes_to,
        **looks,
    )


def each(expr: str, empty_when_healthy: str | None = None) -> Query:
    """A query whose every series becomes a row of a table."""
    return Query(expr, table=True, empty_when_healthy=empty_when_healthy)
