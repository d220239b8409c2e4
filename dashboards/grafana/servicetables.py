"""The tables of the Services dashboard: one line per service, failing route, version and alert."""

from __future__ import annotations

from typing import Final

from dashboards.grafana import budgets, traffic
from dashboards.grafana.events import firing
from dashboards.grafana.figures import each, graph, listing
from dashboards.grafana.panels import BUDGET_LEFT, ERROR_RATIO, LATENCY, Column, Query, Row
from dashboards.grafana.variables import series, to_errors, to_failed_traces, to_runbook, to_service
from dashboards.promql import count_by, like, min_by, selector, sum_by, top
from dashboards.scrape import ALERT_NAME, ALERTS_FOR_STATE, ENVIRONMENT, JOB, SERVICE, SEVERITY, UP
from django_observe.metricset import HTTP_ACTIVE_REQUESTS, INFO
from django_observe.vocabulary import Label

ROUTES: Final = 10
CLICKED: Final = "${__data.fields.Service}"
SERVICE_COLUMN: Final = Column(source=SERVICE, title="Service", links=(to_service(CLICKED),))
_ROUTE: Final = (SERVICE, Label.METHOD, Label.VIEW)
_ALERT: Final = (ALERT_NAME, SEVERITY, SERVICE, ENVIRONMENT)
_SINCE: Final = (
    f"1000 * {min_by(selector(ALERTS_FOR_STATE, like(SERVICE, '$service|')), *_ALERT)} "
    f"and on ({', '.join(_ALERT)}) {count_by(firing(), *_ALERT)}"
)
"""Milliseconds since 1970, as Grafana wants them."""
_NO_ERRORS: Final = "no route has answered with an error"

EACH: Final = Row(
    "Each service",
    (
        listing(
            "Services",
            "Rate, errors, duration and budget of each service over the last minutes, worst first.",
            "click the service for its own dashboard, its errors for the log lines and traces.",
            (
                each(traffic.requests(SERVICE, ENVIRONMENT)),
                each(traffic.failure_ratio(SERVICE, ENVIRONMENT)),
                *(each(traffic.latency(share, SERVICE, ENVIRONMENT)) for share in traffic.QUANTILES.values()),
                each(sum_by(series(HTTP_ACTIVE_REQUESTS.name), SERVICE, ENVIRONMENT)),
                each(budgets.left(SERVICE, ENVIRONMENT)),
                each(sum_by(series(UP), SERVICE, ENVIRONMENT)),
            ),
            (
                SERVICE_COLUMN,
                Column(source=ENVIRONMENT, title="Environment"),
                Column(source=0, title="Requests per second", unit="reqps", decimals=2),
                Column(
                    source=1,
                    title="Errors",
                    unit="percentunit",
                    steps=ERROR_RATIO,
                    links=(to_errors(CLICKED), to_failed_traces(CLICKED)),
                ),
                Column(source=2, title="Median", unit="s"),
                Column(source=3, title="95th percentile", unit="s", steps=LATENCY),
                Column(source=4, title="99th percentile", unit="s"),
                Column(source=5, title="In flight", unit="short"),
                Column(source=6, title="Budget left", unit="percentunit", steps=BUDGET_LEFT),
                Column(source=7, title="Targets up", unit="short"),
            ),
            to_service(CLICKED),
            sort_by="Errors",
            width=24,
        ),
    ),
)

WRONG: Final = Row(
    "What is wrong",
    (
        listing(
            "Firing",
            "Every alert that fires for the chosen services, how severe it is, and since when.",
            "`page` first: open the service; the alert's runbook section is the panel of the same name.",
            (each(_SINCE, "no alert fires"),),
            (
                Column(source=SEVERITY, title="Severity", width=90),
                Column(source=ALERT_NAME, title="Alert", links=(to_runbook(),)),
                SERVICE_COLUMN,
                Column(source=ENVIRONMENT, title="Environment"),
                Column(source=0, title="Since", unit="dateTimeFromNow"),
            ),
            to_service(CLICKED),
            to_errors(CLICKED),
            sort_by="Severity",
            ascending=True,
            no_value="nothing fires",
        ),
        listing(
            "Top failing routes",
            f"The {ROUTES} routes with the most errors per second, and what share of their requests fails.",
            "click the service to see the route's error lines beside its graph.",
            (
                each(top(ROUTES, f"{traffic.failures(*_ROUTE)} > 0"), _NO_ERRORS),
                each(f"{traffic.failure_ratio(*_ROUTE)} > 0", _NO_ERRORS),
            ),
            (
                SERVICE_COLUMN,
                Column(source=Label.METHOD, title="Method", width=80),
                Column(source=Label.VIEW, title="Route"),
                Column(source=0, title="Errors per second", unit="reqps"),
                Column(source=1, title="Share", unit="percentunit", steps=ERROR_RATIO),
            ),
            to_service(CLICKED),
            to_errors(CLICKED),
            sort_by="Errors per second",
            no_value="no errors",
        ),
    ),
)

BUDGETS: Final = Row(
    "Budgets and versions",
    (
        graph(
            "Error budget left",
            "What is left of the 30 day budget of each service's tightest objective.",
            "a cliff is an incident; a slope that ends below zero wants work, not a pager.",
            Query(budgets.left(SERVICE), "{{service}}"),
            to_service(),
            unit="percentunit",
            minimum=None,
        ),
        listing(
            "Versions running",
            "How many scraped processes of each service run which version.",
            "two versions of a service outside a roll-out: compare their errors on its dashboard.",
            (each(count_by(series(INFO.name), SERVICE, ENVIRONMENT, Label.VERSION, JOB)),),
            (
                SERVICE_COLUMN,
                Column(source=ENVIRONMENT, title="Environment"),
                Column(source=Label.VERSION, title="Version"),
                Column(source=JOB, title="Kind", width=90),
                Column(source=0, title="Targets", unit="short", width=90),
            ),
            to_service(CLICKED),
            sort_by="Service",
            ascending=True,
        ),
    ),
)
