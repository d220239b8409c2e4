"""Services: all of them on one page. Which one is broken, since when, and is anyone told already?"""

from __future__ import annotations

from typing import Any, Final

from dashboards import links
from dashboards.grafana import budgets, servicetables, traffic
from dashboards.grafana.events import firing
from dashboards.grafana.figures import figure, graph
from dashboards.grafana.panels import (
    BLUE,
    BUDGET_LEFT,
    ERROR_RATIO,
    GREEN,
    LATENCY,
    ORANGE,
    RED,
    ZERO_IS_WELL,
    Board,
    Panel,
    Query,
    Row,
)
from dashboards.grafana.variables import (
    ENVIRONMENTS,
    MANY_SERVICES,
    series,
    to,
    to_errors,
    to_service,
)
from dashboards.promql import count_by, sum_by
from dashboards.scrape import SERVICE, UP
from django_observe.metricset import HTTP_ACTIVE_REQUESTS, INFO
from django_observe.vocabulary import Label

NOW: Final = Row(
    "Now",
    (
        figure(
            "Requests",
            "Answered requests per second of the chosen services.",
            "a sudden drop is an outage in front of the services, or a caller that gave up.",
            Query(traffic.requests()),
            to(links.SERVICE, "By route"),
            unit="reqps",
        ),
        figure(
            "Error ratio",
            "The share of requests answered with 500 or above.",
            "sort the table below by it and open the worst service.",
            Query(traffic.failure_ratio()),
            to_errors(),
            unit="percentunit",
            steps=ERROR_RATIO,
        ),
        figure(
            "95th percentile",
            "Nineteen of twenty requests are answered within this time.",
            "find the service in the latency graphs below, then its slowest routes.",
            Query(traffic.latency(0.95)),
            to(links.SERVICE, "Slowest routes"),
            unit="s",
            steps=LATENCY,
        ),
        figure(
            "In flight",
            "Requests that are being served at this moment, over all worker processes.",
            "a number that only grows means workers wait for something: look at Dependencies.",
            Query(sum_by(series(HTTP_ACTIVE_REQUESTS.name))),
            to(links.DEPENDENCIES, "What they wait for"),
        ),
        figure(
            "Least budget left",
            "The smallest share of its 30 day error budget that any objective has left.",
            "below zero an objective is missed: hold risky deployments back and open SLO.",
            Query(budgets.left()),
            to(links.SLO, "Objectives and budgets"),
            unit="percentunit",
            steps=BUDGET_LEFT,
            minimum=None,
        ),
        figure(
            "Targets down",
            "Scraped processes of services and workers that do not answer.",
            "Telemetry names them; while a process is gone, its other series are gone too.",
            Query(sum_by(f"{series(UP)} == bool 0")),
            to(links.TELEMETRY, "Which targets"),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Alerts firing",
            "Alerts that fire for the chosen services.",
            "the table below names them.",
            Query(f"{count_by(firing())} or vector(0)"),
            to(links.SLO, "Objectives and budgets"),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Versions",
            "How many versions run, over all services: more than there are services while one rolls out.",
            "when it stays higher, a roll-out is stuck: the table of versions says whose.",
            Query(count_by(count_by(series(INFO.name), SERVICE, Label.VERSION))),
            to(links.SERVICE, "Errors by version"),
        ),
    ),
)


def _curve(title: str, shows: str, then: str, query: Query, **looks: Any) -> Panel:
    clicked = "${__field.labels.service}"
    return graph(title, shows, then, query, to_service(), to_errors(clicked), **looks)


CURVES: Final = Row(
    "Traffic, errors, duration",
    (
        _curve(
            "Requests per second",
            "Answered requests of each service.",
            "a curve that falls to zero while the service is up: its callers cannot reach it.",
            Query(traffic.requests(SERVICE), "{{service}}"),
            unit="reqps",
        ),
        _curve(
            "Error ratio by service",
            "The share of each service's requests answered with 500 or above. Blue marks are deployments.",
            "did it begin with a deployment? Then roll back; else open the service.",
            Query(traffic.failure_ratio(SERVICE), "{{service}}"),
            unit="percentunit",
        ),
        *(
            _curve(
                f"Latency: {name}",
                "The time within which that share of requests is answered. Dots are traced requests.",
                "click a dot high up to see where that one request spent its time.",
                Query(traffic.latency(share, SERVICE), "{{service}}", exemplar=True),
                unit="s",
                width=8,
            )
            for name, share in traffic.QUANTILES.items()
        ),
        _curve(
            "Requests in flight",
            "Requests being served, by service.",
            "growth without more traffic means that something downstream hangs.",
            Query(sum_by(series(HTTP_ACTIVE_REQUESTS.name), SERVICE), "{{service}}"),
            unit="short",
        ),
        graph(
            "Answers by status",
            "Answers per second by class of status code, over all chosen services.",
            "much 4xx is a client or a scanner; 5xx is ours.",
            tuple(
                Query(traffic.answers(f"{digit}.."), f"{digit}xx", empty_when_healthy=unseen)
                for digit, unseen in zip("2345", (None, *("no such answer yet",) * 3), strict=True)
            ),
            to_errors(),
            colors={"^2xx$": GREEN, "^3xx$": BLUE, "^4xx$": ORANGE, "^5xx$": RED},
            unit="reqps",
            stacked=True,
        ),
    ),
)

BOARD: Final = Board(
    uid=links.SERVICES,
    title="Services",
    about="All services: which one is broken, since when, and how much budget is left.",
    variables=(ENVIRONMENTS, MANY_SERVICES),
    rows=(NOW, servicetables.EACH, servicetables.WRONG, CURVES, servicetables.BUDGETS),
)
