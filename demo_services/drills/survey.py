"""Every panel's PromQL, asked of a Prometheus that watches the demo.

First while all is well, then with faults on, one set after the other.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dashboards import grafana, promql
from demo_services.demo import Demo
from demo_services.drills import broker
from demo_services.drills.addresses import free_addresses
from demo_services.drills.configuration import ENVIRONMENT, Configuration
from demo_services.drills.monitoring import Monitoring, require_programs
from demo_services.drills.session import watched
from demo_services.drills.shop import Customers, open_shop
from demo_services.drills.stages import HEALTHY, STAGES, Stage
from demo_services.interruption import Interruption
from demo_services.screen import Screen
from demo_services.telemetry import wait_for
from django_observe.metricset import HTTP_RESPONSES_BY_TEMPLATE, MODEL_DELETES

PACE = 5
ANY = ("$job", "$queue_name", "$task", "$model", "$view", "$method")
VARIABLES = {"$environment": ENVIRONMENT, "$service": ".+"}
MIXIN_VARIABLES = {"$cluster": ENVIRONMENT, "$namespace": "shop", **dict.fromkeys(ANY, ".*")}
ZERO = " or vector(0)"
"""What makes a panel say 0 instead of nothing; asked with it, a query would prove nothing."""
ZERO_REASON = "it says 0"
MIXIN_REASON = "a mixin does not say"
ELSEWHERE = {
    "loki_": "Loki does not run here",
    "otelcol_": "Jaeger does not run here",
    "jaeger_": "Jaeger does not run here",
    "traces_span_metrics_": "Jaeger does not run here",
}
"""How metrics begin that have no series in this demo whatever is switched on."""
UNANSWERABLE = {
    "offset 1w": "asks for a week ago",
    'view=~"admin': "the demo has no admin site",
    'status=~"3': "no view of the demo redirects; what adds a slash to an address is no view",
    rf"{MODEL_DELETES.total}\b.* > 0": "the demo deletes nothing",
    rf"{HTTP_RESPONSES_BY_TEMPLATE.total}\b": "no view of the demo answers with a TemplateResponse",
}
"""What a mixin's query asks for, as a regular expression, that this demo does not have."""


@dataclass(slots=True)
class Asked:
    """A panel's query, and how many series it answered with at first, in which stage."""

    dashboard: str
    panel: str
    expr: str
    reason: str = ""
    """Why it may be empty while all is well."""
    excuse: str = ""
    """Why it cannot answer in this demo, if that is known."""
    series: int = 0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Mixin:
    """Somebody else's dashboards, and where they are from."""

    name: str
    source: str
    commit: str
    asked: str
    """What the queries are: its own, unchanged, or what they select."""
    queries: list[Asked]


def own() -> list[Asked]:
    """The PromQL of our dashboards, their variables filled in."""
    return [
        Asked(
            query.dashboard,
            query.panel,
            expr := _filled(query.expr.replace(ZERO, ""), VARIABLES),
            query.empty_when_healthy or (ZERO_REASON if ZERO in query.expr else ""),
            _elsewhere(expr),
        )
        for query in grafana.queries()
        if query.source == "prometheus"
    ]


def foreign(file: Path) -> Mixin:
    """A mixin's dashboards, from JSON: name, source, commit, asked, queries (each dashboard, panel, expr)."""
    document = json.loads(file.read_text())
    queries = [
        Asked(
            query["dashboard"],
            query["panel"],
            expr := _filled(query["expr"], MIXIN_VARIABLES),
            MIXIN_REASON,
            _elsewhere(expr) or _unanswerable(expr),
        )
        for query in document["queries"]
    ]
    return Mixin(document["name"], document["source"], document["commit"], document["asked"], queries)


def _survey(demo: Demo, queries: Sequence[Asked]) -> None:
    """Ask all of them, stage by stage, until each has answered or the stages are over."""
    configuration = Configuration(demo.plan.state / "monitoring", demo.plan.ports, free_addresses(), PACE)
    monitoring = Monitoring(configuration)
    with open_shop(demo, configuration, Customers(mails=True)) as shop, watched(shop, monitoring):
        for stage in STAGES:
            demo.screen.heading(stage.title)
            stage.begin(shop)
            wait_for(partial(_ask, monitoring, queries, stage), lambda left: not left, stage.seconds)
            stage.end(shop)


def _ask(monitoring: Monitoring, queries: Sequence[Asked], stage: Stage) -> list[Asked]:
    """Ask those again that have not answered yet; those that still have not, but should in this stage."""
    for query in queries:
        if not query.series:
            query.series = len(monitoring.series(query.expr))
            query.stage = stage.title if query.series else ""
    return [query for query in queries if not (query.series or query.excuse) and _is_due(query, stage)]


def _is_due(query: Asked, stage: Stage) -> bool:
    if stage is HEALTHY:
        return not query.reason
    return not stage.shows.isdisjoint(promql.names(query.expr)[0])


def _elsewhere(expr: str) -> str:
    metrics, _ = promql.names(expr)
    reasons = [why for metric in metrics for start, why in ELSEWHERE.items() if metric.startswith(start)]
    return next(iter(reasons), "")


def _unanswerable(expr: str) -> str:
    return next((why for part, why in UNANSWERABLE.items() if re.search(part, expr)), "")


def unexplained(queries: Sequence[Asked]) -> list[Asked]:
    """Those that did not answer although they could, or while all was well although no reason is given."""
    return [
        query
        for query in queries
        if not query.excuse and (not query.series or (query.stage != HEALTHY.title and not query.reason))
    ]


def _filled(expr: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        expr = expr.replace(name, value)
    return promql.concrete(expr)


def run(queries: Sequence[Asked]) -> None:
    """A survey on free ports with a state of its own."""
    require_programs()
    plan = broker.plan(Path(tempfile.mkdtemp(prefix="panels-")))
    _survey(Demo(plan, Screen(), Interruption()), queries)
    shutil.rmtree(plan.state)
