"""The Grafana dashboards: plain data; only rendering wants grafana-foundation-sdk (Python 3.11+)."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.grafana import celery, dependencies, journey, service, services, slo, telemetry
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
    return [
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
    from dashboards.grafana import render

    return {f"grafana/{board.uid}.json": render.text(board, BOARDS) for board in BOARDS}
