"""The Grafana dashboards: plain data; only rendering wants grafana-foundation-sdk (Python 3.11+)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from dashboards import links
from dashboards.grafana import celery, dependencies, events, journey, service, services, slo, telemetry
from dashboards.grafana.panels import Board, Query

BOARDS: tuple[Board, ...] = (
    services.BOARD,
    service.BOARD,
    celery.BOARD,
    dependencies.BOARD,
    journey.BOARD,
    slo.BOARD,
    telemetry.BOARD,
)


_NO_EVENT = "nothing was deployed and no alert fires"


@dataclass(frozen=True)
class PanelQuery:
    """A query of a panel. `instant`: at one moment; otherwise over the time range."""

    dashboard: str
    panel: str
    source: str
    expr: str
    instant: bool
    empty_when_healthy: str | None


def queries() -> list[PanelQuery]:
    """Every PromQL and LogQL query of every panel, with Grafana's variables still in it."""
    marks = [
        PanelQuery(board.uid, f"annotation {mark.name}", links.PROMETHEUS, mark.expr, False, _NO_EVENT)
        for board in BOARDS[:1]
        for mark in events.MARKS
    ]
    return marks + [
        PanelQuery(
            board.uid,
            panel.title,
            query.source,
            query.expr,
            query.instant or query.table,
            query.empty_when_healthy,
        )
        for board in BOARDS
        for row in board.rows
        for panel in row.panels
        for query in panel.queries
        if isinstance(query, Query)
    ]


def files() -> dict[str, str]:
    """Every dashboard: path below the output folder, JSON text."""
    with warnings.catch_warnings():
        # the SDK would rather have its second schema used; provisioning takes the classic one everywhere
        warnings.simplefilter("ignore", DeprecationWarning)
        from dashboards.grafana import render, runbook
    built = {board.uid: render.text(board, BOARDS) for board in BOARDS}
    built[links.RUNBOOK] = runbook.text_of(render.TAG)
    return {f"grafana/{uid}.json": text for uid, text in built.items()}
