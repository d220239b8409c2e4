"""Where things are in Grafana: uids, and links with variables and time range filled in.

Values may hold Go templates (`{{ $labels.service | urlquery }}`, for alerts) and Grafana variables
(`${service}`, for data links): both stay as they are, everything else is percent-encoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

GRAFANA_URL: Final = "http://localhost:3000"

PROMETHEUS: Final = "prometheus"
LOKI: Final = "loki"
JAEGER: Final = "jaeger"
ALERTMANAGER: Final = "alertmanager"
"""Data sources: the uid is the type."""

SERVICES: Final = "observe-services"
SERVICE: Final = "observe-service"
CELERY: Final = "observe-celery"
JOURNEY: Final = "observe-journey"
DEPENDENCIES: Final = "observe-dependencies"
SLO: Final = "observe-slo"
TELEMETRY: Final = "observe-telemetry"
RUNBOOK: Final = "observe-runbook"
UIDS: Final = (SERVICES, SERVICE, CELERY, JOURNEY, DEPENDENCIES, SLO, TELEMETRY)

_LIVE: Final = re.compile(r"(\{\{.*?\}\}|\$\{[^}]*\})")
_base = GRAFANA_URL


def use_grafana(url: str) -> None:
    """Bakes another Grafana address into the absolute links made from now on."""
    global _base
    _base = url.rstrip("/")


def encoded(text: str) -> str:
    """Percent-encoded for a query string, templates and variables left alive."""
    return "".join(part if _LIVE.fullmatch(part) else quote(part, safe="") for part in _LIVE.split(text))


def dashboard_path(uid: str, variables: Mapping[str, str], start: str = "now-1h", end: str = "now") -> str:
    """The link within Grafana to a dashboard; `start` and `end` as Grafana takes them: `now-1h` or ms."""
    query = [f"var-{name}={encoded(value)}" for name, value in variables.items()]
    return f"/d/{uid}?" + "&".join((*query, f"from={encoded(start)}", f"to={encoded(end)}"))


def dashboard_url(uid: str, variables: Mapping[str, str], start: str = "now-1h", end: str = "now") -> str:
    """As `dashboard_path`, absolute: for alerts."""
    return _base + dashboard_path(uid, variables, start, end)


def panel_url(uid: str, panel: int) -> str:
    """The absolute link to one panel of a dashboard, alone (Grafana 11 and later name it so)."""
    return f"{_base}/d/{uid}?viewPanel=panel-{panel}"


def logs_path(logql: str, start: str = "now-1h", end: str = "now") -> str:
    """The link within Grafana to Explore with the lines of a LogQL query."""
    return _explore(LOKI, {"expr": logql, "queryType": "range"}, start, end)


def logs_url(logql: str, start: str = "now-1h", end: str = "now") -> str:
    """As `logs_path`, absolute: for alerts."""
    return _base + logs_path(logql, start, end)


def metrics_path(promql: str, start: str = "now-1h", end: str = "now") -> str:
    """The link within Grafana to Explore with a PromQL query."""
    return _explore(PROMETHEUS, {"expr": promql, "range": True}, start, end)


def trace_path(trace_id: str, start: str = "now-1h", end: str = "now") -> str:
    """The link within Grafana to Explore with one trace (in Jaeger's data source the query is the ID)."""
    return _explore(JAEGER, {"query": trace_id}, start, end)


def traces_path(service: str, start: str = "now-1h", end: str = "now", tags: str = "") -> str:
    """The link within Grafana to Explore with a search for traces; `tags` in logfmt, e.g. `error=true`."""
    search = {"queryType": "search", "service": service, **({"tags": tags} if tags else {})}
    return _explore(JAEGER, search, start, end)


def _explore(source: str, query: Mapping[str, object], start: str, end: str) -> str:
    """Explore's `panes` parameter, schema version 1 (Grafana 10 and later)."""
    pane = {
        "datasource": source,
        "queries": [{"refId": "A", "datasource": {"type": source, "uid": source}, **query}],
        "range": {"from": start, "to": end},
    }
    panes = json.dumps({"observe": pane}, separators=(",", ":"))
    return f"/explore?schemaVersion=1&orgId=1&panes={encoded(panes)}"
