"""The map: which parts of the system call which, how often, and how that goes."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.http import HttpRequest

from django_observe.console import (
    graph_view,
    hues,
    links,
    node_panel,
    queries,
    rate_queries,
    service_graph,
    timerange,
    window,
)
from django_observe.console.page import page

_DRAWN = 80
_LISTED = 200


@page
def system_map(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /map?node=<id>: `node` opens a panel about one node."""
    shown = timerange.of(request.GET, connection)
    chosen = request.GET.get("node", "")
    at = window.of(connection, shown)
    known = queries.services(connection)
    served = rate_queries.requests(connection, at)
    graph = service_graph.build(connection, at, served, known)
    drawn = graph.busiest(_DRAWN, _DRAWN)
    rows = graph_view.rows(graph.busiest(_LISTED, _LISTED), at, shown)
    node = graph.nodes.get(chosen)
    context = {
        "graph": graph,
        "rows": rows,
        "drawn": drawn,
        "drawing": graph_view.drawing(drawn, at, shown, hues.assign(known)),
        "window": at,
        "chosen": chosen,
        "panel": node_panel.panel(connection, node, rows, at, shown) if node else None,
        "close_link": links.link("/map", shown),
        "live": True,
        "nav": "map",
    }
    return "console/map.html", context
