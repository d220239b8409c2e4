"""Service: one of them. What in it is broken, since which version, and what do its error lines say?"""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.grafana import budgets, servicelatency, traffic
from dashboards.grafana.figures import figure, graph
from dashboards.grafana.panels import (
    BLUE,
    BUDGET_LEFT,
    ERROR_RATIO,
    GREY,
    LATENCY,
    RED,
    YELLOW,
    Board,
    Panel,
    Query,
    Row,
    TraceQuery,
)
from dashboards.grafana.variables import (
    ENVIRONMENTS,
    ONE_SERVICE,
    STREAMS,
    series,
    to,
    to_errors,
    to_failed_traces,
)
from dashboards.promql import rate, sum_by, top
from django_observe.metricset import HTTP_ACTIVE_REQUESTS, HTTP_EXCEPTIONS_BY_TYPE
from django_observe.vocabulary import Label

ROUTES: Final = 10
_ROUTE: Final = (Label.METHOD, Label.VIEW)
_ROUTE_NAME: Final = "{{method}} {{view}}"
_ERRORS: Final = logql.errors(*STREAMS)
_RAISED: Final = "no view has raised an exception"
_SILENT: Final = "no error has been logged"

NOW: Final = Row(
    "Now",
    (
        figure(
            "Requests",
            "Answered requests per second.",
            "a sudden drop: ask the callers, and look at the targets in Telemetry.",
            Query(traffic.requests()),
            to(links.SERVICES, "All services"),
            unit="reqps",
        ),
        figure(
            "Error ratio",
            "The share of requests answered with 500 or above.",
            "read the error lines below; by version shows whether a deployment brought it.",
            Query(traffic.failure_ratio()),
            to_errors(),
            to_failed_traces(),
            unit="percentunit",
            steps=ERROR_RATIO,
        ),
        figure(
            "95th percentile",
            "Nineteen of twenty requests are answered within this time.",
            "the slowest routes are listed below, and what the time is spent on.",
            Query(traffic.latency(0.95)),
            to(links.DEPENDENCIES, "What it waits for"),
            unit="s",
            steps=LATENCY,
        ),
        figure(
            "In flight",
            "Requests that are being served at this moment, over all worker processes.",
            "as many as there are workers and threads: the service is full.",
            Query(sum_by(series(HTTP_ACTIVE_REQUESTS.name))),
            to(links.DEPENDENCIES, "What it waits for"),
        ),
        figure(
            "Budget left",
            "The share of the 30 day error budget that is left for the tighter objective.",
            "below zero the objective is missed: stability before features.",
            Query(budgets.left()),
            to(links.SLO, "Objectives and budgets"),
            unit="percentunit",
            steps=BUDGET_LEFT,
            minimum=None,
        ),
        figure(
            "Database per request",
            "Time a request waits for the database, on average.",
            "compare with statements per request below: many short ones are an N+1.",
            Query(traffic.database_seconds()),
            to(links.DEPENDENCIES, "Database"),
            unit="s",
        ),
        figure(
            "Outbound per request",
            "Time a request waits for other services, on average.",
            "Dependencies says which one is slow.",
            Query(traffic.outbound_seconds(), empty_when_healthy="a service that calls no other has none"),
            to(links.DEPENDENCIES, "Outbound calls"),
            unit="s",
            no_value="no calls",
        ),
        figure(
            "Exceptions",
            "Exceptions per second that views raised and did not handle.",
            "their types are below; the log lines carry the stack.",
            Query(f"{sum_by(rate(series(HTTP_EXCEPTIONS_BY_TYPE.total)))} or vector(0)"),
            to_errors(),
            unit="cps",
        ),
    ),
)

ERRORS: Final = Row(
    "Errors, and what was logged about them",
    (
        graph(
            "Failing routes",
            f"The {ROUTES} routes with the most answers of 500 or above, per second.",
            "the lines beside it are the same minutes; click a curve for failed traces.",
            Query(
                top(ROUTES, f"{traffic.failures(*_ROUTE)} > 0"),
                _ROUTE_NAME,
                empty_when_healthy="no route has answered with an error",
            ),
            to_failed_traces(),
            to_errors(),
            unit="reqps",
            height=10,
        ),
        Panel(
            kind="logs",
            title="Error log lines",
            shows="The service's ERROR and CRITICAL lines, newest first. Each opens to its stack and IDs.",
            then="open a line: `correlation_id` leads to the whole journey, `trace_id` to the trace.",
            queries=(Query(_ERRORS, source=links.LOKI, empty_when_healthy=_SILENT),),
            links=(to_errors(), to_failed_traces()),
            unit="none",
            height=10,
        ),
        graph(
            "Errors by version",
            "The error ratio of each version of the service that runs.",
            "one version far above the other: roll that one back.",
            Query(traffic.failure_ratio_by_version(), "{{version}}"),
            to(links.SERVICES, "Versions running"),
            unit="percentunit",
            width=8,
        ),
        graph(
            "Exceptions by type",
            "Exceptions that views raised and did not handle, by their type.",
            "a type that is new since a deployment names the bug.",
            Query(
                sum_by(rate(series(HTTP_EXCEPTIONS_BY_TYPE.total)), Label.TYPE),
                "{{type}}",
                empty_when_healthy=_RAISED,
            ),
            to_errors(),
            unit="cps",
            width=8,
        ),
        graph(
            "Log lines by level",
            "How many lines the service writes, by level.",
            "a level that stops altogether: Telemetry says whether lines are lost.",
            Query(
                logql.count(logql.stream(*STREAMS), logql.SEVERITY), "{{severity_text}}", source=links.LOKI
            ),
            to_errors(),
            to(links.TELEMETRY, "Lost lines"),
            colors={
                "DEBUG": GREY,
                "INFO": BLUE,
                "WARNING": YELLOW,
                "ERROR": RED,
                "CRITICAL": RED,
            },
            width=8,
            bars=True,
            stacked=True,
        ),
    ),
)

TRAFFIC: Final = Row(
    "Traffic",
    (
        graph(
            "Requests by route",
            f"The {ROUTES} busiest routes, by requests per second.",
            "a route that outgrows the others: a new caller, a retry storm or a scanner.",
            Query(top(ROUTES, traffic.requests(*_ROUTE)), _ROUTE_NAME),
            to(links.SERVICES, "All services"),
            to_errors(),
            unit="reqps",
            stacked=True,
        ),
        Panel(
            kind="table",
            title="Failed traces",
            shows="The newest traces of this service in which something failed, from Jaeger.",
            then="open one: the red span furthest down is where it began.",
            queries=(
                TraceQuery({"queryType": "search", "service": "$service", "tags": "error=true", "limit": 20}),
            ),
            links=(to_failed_traces(),),
            unit="none",
            no_value="no failed trace",
        ),
    ),
)

BOARD: Final = Board(
    uid=links.SERVICE,
    title="Service",
    about="One service: what in it fails or is slow, by route and version, with its error lines beside it.",
    variables=(ENVIRONMENTS, ONE_SERVICE),
    rows=(NOW, ERRORS, *servicelatency.ROWS, TRAFFIC),
)
