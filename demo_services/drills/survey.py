"""Every panel's PromQL, asked of a Prometheus that watches the demo.

First while all is well, then with faults on, one set after the other.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import requests

from dashboards import grafana, promql
from demo_services.demo import Demo
from demo_services.drills.addresses import Addresses
from demo_services.drills.configuration import ENVIRONMENT, Configuration
from demo_services.drills.monitoring import Monitoring
from demo_services.drills.session import watched
from demo_services.drills.shop import Shop, open_shop
from demo_services.telemetry import wait_for
from django_observe.metricset import CACHE_FAILURES, INTERNAL_FAILURES, METRIC_OVERFLOW, MODEL_DELETES

PACE = 10
STAGE_SECONDS = 45
"""The longest that each stage lasts; it ends when every query that may still answer has answered."""
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


def survey(demo: Demo, queries: Sequence[Asked]) -> None:
    """Ask all of them, stage by stage, until each has answered or the stages are over."""
    configuration = Configuration(demo.plan.state / "monitoring", demo.plan.ports, Addresses.free(), PACE)
    monitoring = Monitoring(configuration)
    with open_shop(demo, configuration, browsing=True) as shop, watched(shop, monitoring):
        for stage in STAGES:
            demo.screen.heading(stage.title)
            stage.begin(shop)
            wait_for(partial(_ask, monitoring, queries, stage), lambda left: not left, STAGE_SECONDS)
            stage.end(shop)


def _ask(monitoring: Monitoring, queries: Sequence[Asked], stage: Stage) -> list[Asked]:
    """Ask those again that have not answered yet; those that still have not."""
    left = [query for query in queries if not query.series]
    for query in left:
        query.series = len(monitoring.series(query.expr))
        query.stage = stage.title if query.series else ""
    return [query for query in left if not query.series and not (stage is HEALTHY and query.reason)]


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


HEALTHY = Stage("all is well", lambda _: None, lambda _: None)
STAGES = (
    HEALTHY,
    Stage("orders errors=0.3, notifications poison=0.5", _fail, _mend),
    Stage(
        "the mail server is gone",
        lambda shop: shop.kill("mail"),
        lambda shop: shop.start(shop.plan.mail()),
    ),
    Stage(
        "the payment API answers 500",
        lambda shop: shop.tell_payment(mode="error"),
        lambda shop: shop.tell_payment(mode="ok"),
    ),
    Stage(
        "orders dependency=database",
        lambda shop: shop.set_fault("orders", dependency="database"),
        lambda shop: shop.clear_faults("orders"),
    ),
    Stage("something else listens where traces and logs are sent, and answers 404", _usurp, lambda _: None),
)
