"""Every panel's PromQL, asked of a Prometheus that watches the demo.

First while all is well, then with faults on, one set after the other.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import requests

from dashboards import grafana, promql
from demo_services.demo import Demo
from demo_services.drills.addresses import Addresses
from demo_services.drills.configuration import ENVIRONMENT, Configuration
from demo_services.drills.monitoring import Monitoring, require_programs
from demo_services.drills.session import watched
from demo_services.drills.shop import Shop, open_shop
from demo_services.interruption import Interruption
from demo_services.plan import Plan
from demo_services.ports import Ports
from demo_services.screen import Screen
from demo_services.telemetry import wait_for
from django_observe.metricset import CACHE_FAILURES, INTERNAL_FAILURES, METRIC_OVERFLOW, MODEL_DELETES

PACE = 10
HTTP_SECONDS = 10
ANY = ("$job", "$queue_name", "$task", "$model", "$view", "$method")
VARIABLES = {"$environment": ENVIRONMENT, "$service": ".+"}
MIXIN_VARIABLES = {"$cluster": ENVIRONMENT, "$namespace": "shop", **dict.fromkeys(ANY, ".*")}
ELSEWHERE = {
    "loki_": "Loki does not run here",
    "otelcol_": "Jaeger does not run here",
    "traces_span_metrics_": "Jaeger does not run here",
    "grafana_": "Grafana does not run here",
    MODEL_DELETES.total: "the demo deletes nothing",
    CACHE_FAILURES.total: "the demo's cache is in memory and cannot fail",
    INTERNAL_FAILURES.total: "no switch makes the telemetry itself fail",
    METRIC_OVERFLOW.total: "no switch makes that many label values",
}
"""Metrics, or how they begin, that have no series in this demo whatever is switched on."""


@dataclass(slots=True)
class Asked:
    """A panel's query, and how many series it answered with at first, in which stage."""

    dashboard: str
    panel: str
    expr: str
    reason: str = ""
    """Why it may be empty while all is well."""
    series: int = 0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of the demo, in words, and how it is brought about and ended."""

    title: str
    begin: Callable[[Shop], object]
    end: Callable[[Shop], object]
    seconds: float = 25
    """The longest it lasts; it ends when every query that may have an answer has had one."""


def own() -> list[Asked]:
    """The PromQL of our dashboards, their variables filled in."""
    return [
        Asked(query.dashboard, query.panel, _filled(query.expr, VARIABLES), query.empty_when_healthy or "")
        for query in grafana.queries()
        if query.source == "prometheus"
    ]


def foreign(file: Path) -> list[Asked]:
    """The queries of a mixin's dashboards, from JSON: {"queries": [{"dashboard", "panel", "expr"}]}."""
    return [
        Asked(query["dashboard"], query["panel"], _filled(query["expr"], MIXIN_VARIABLES))
        for query in json.loads(file.read_text())["queries"]
    ]


def _survey(demo: Demo, queries: Sequence[Asked]) -> None:
    """Ask all of them, stage by stage, until each has answered or the stages are over."""
    configuration = Configuration(demo.plan.state / "monitoring", demo.plan.ports, Addresses.free(), PACE)
    monitoring = Monitoring(configuration)
    with open_shop(demo, configuration, browsing=True) as shop, watched(shop, monitoring):
        for stage in STAGES:
            demo.screen.heading(stage.title)
            stage.begin(shop)
            wait_for(partial(_ask, monitoring, queries, stage), lambda left: not left, stage.seconds)
            stage.end(shop)


def _ask(monitoring: Monitoring, queries: Sequence[Asked], stage: Stage) -> list[Asked]:
    """Ask those again that have not answered yet; those that still have not, but should in time."""
    for query in queries:
        if not query.series:
            query.series = len(monitoring.series(query.expr))
            query.stage = stage.title if query.series else ""
    excused = [query for query in queries if excuse(query) or (stage is HEALTHY and query.reason)]
    return [query for query in queries if not query.series and query not in excused]


def excuse(query: Asked) -> str:
    """Why the query cannot answer in this demo, if that is known."""
    metrics, _ = promql.names(query.expr)
    return next(
        (why for metric in metrics for start, why in ELSEWHERE.items() if metric.startswith(start)), ""
    )


def unexplained(queries: Sequence[Asked]) -> list[Asked]:
    """Those that did not answer although they could, or while all was well although no reason is given."""
    return [
        query
        for query in queries
        if not excuse(query) and (not query.series or (query.stage != HEALTHY.title and not query.reason))
    ]


def _filled(expr: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        expr = expr.replace(name, value)
    return promql.concrete(expr)


def _fail(shop: Shop) -> None:
    shop.set_fault("orders", errors=0.3)
    shop.set_fault("notifications", poison=0.5)
    requests.get(f"{shop.plan.ports.url('orders')}/api/orders", timeout=HTTP_SECONDS, allow_redirects=False)


def _mend(shop: Shop) -> None:
    shop.clear_faults("orders")
    shop.clear_faults("notifications")


def _usurp(shop: Shop) -> None:
    shop.kill("console")
    shop.start(replace(shop.plan, ports=replace(shop.plan.ports, payment=shop.plan.ports.otlp)).payment())


HEALTHY = Stage("all is well", lambda _: None, lambda _: None, seconds=90)
STAGES = (
    HEALTHY,
    Stage("orders errors=0.3, notifications poison=0.5", _fail, _mend),
    Stage(
        "the mail server is gone",
        lambda shop: shop.kill("mail"),
        lambda shop: shop.start(shop.plan.mail()),
    ),
    Stage(
        "orders dependency=database",
        lambda shop: shop.set_fault("orders", dependency="database"),
        lambda shop: shop.clear_faults("orders"),
    ),
    Stage("something else listens where traces and logs are sent, and answers 404", _usurp, lambda _: None),
)


def run(queries: Sequence[Asked]) -> None:
    """A survey on free ports with a state of its own."""
    require_programs()
    plan = Plan(Ports.free(), Path(tempfile.mkdtemp(prefix="panels-")))
    _survey(Demo(plan, Screen(), Interruption()), queries)
    shutil.rmtree(plan.state)
