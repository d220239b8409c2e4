"""All services: how much each is asked, how much of that fails, and how long it takes."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.http import HttpRequest

from django_observe.console import (
    figures,
    links,
    operation_list,
    queries,
    quiet_routes,
    rate_queries,
    service_list,
    timerange,
    window,
)
from django_observe.console.page import page
from django_observe.console.rate_queries import Measure

_OPERATIONS = 10


@page
def services(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /services?sort=name|rate|errors|p95&quiet=show: `quiet` counts health checks and the like too."""
    shown = timerange.of(request.GET, connection)
    sort, quiet = request.GET.get("sort", "name"), request.GET.get("quiet", "")
    if sort not in service_list.SORTS:
        raise ValueError(f"sort={sort[:40]}: {', '.join(service_list.SORTS)} are accepted")
    at = window.of(connection, shown)
    served = rate_queries.requests(connection, at, with_quiet=quiet == "show")
    rows = service_list.rows(connection, at, served.services, queries.services(connection), shown)
    everything = Measure()
    for rates in served.services.values():
        everything.join(rates.total)
    context = {
        "rows": sorted(rows, key=service_list.SORTS[sort]),
        "operations": operation_list.rows(served.each, at, shown, limit=_OPERATIONS),
        "sort": sort,
        "sorts": {name: links.link("", shown, sort=name, quiet=quiet) for name in service_list.SORTS},
        "window": at,
        "everything": figures.figures(everything, at.seconds),
        "quiet": quiet_routes.told(served.quiet),
        "quiet_link": links.link("", shown, sort=request.GET.get("sort", ""), quiet="" if quiet else "show"),
        "quiet_shown": quiet == "show",
        "live": True,
        "nav": "services",
    }
    return "console/services.html", context
