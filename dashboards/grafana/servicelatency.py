"""The rows of the Service dashboard about time: how long requests take, and what they spend it on."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana import spans, traffic
from dashboards.grafana.figures import each, graph, listing
from dashboards.grafana.panels import (
    BLUE,
    ERROR_RATIO,
    GREY,
    LATENCY,
    ORANGE,
    PURPLE,
    RED,
    Column,
    Link,
    Panel,
    Query,
    Row,
)
from dashboards.grafana.variables import series, to, to_errors, to_failed_traces
from dashboards.promql import rate, sum_by, top
from dashboards.scrape import LE, SPAN_KIND, SPAN_NAME
from django_observe.metricset import HTTP_LATENCY
from django_observe.vocabulary import Label

ROUTES: Final = 20
TRACES: Final = Link("Traces", links.traces_path("${service}", "${__from}", "${__to}"))
FAILED: Final = to_failed_traces()
_ROUTE: Final = (Label.METHOD, Label.VIEW)
_SPAN: Final = (SPAN_KIND, SPAN_NAME)
_NO_CALLS: Final = "a service that calls no other has none"

LATENCY_ROW: Final = Row(
    "Latency",
    (
        Panel(
            kind="heatmap",
            title="Latency of all requests",
            shows="How many requests took how long; dots are traced requests.",
            then="a second band far above the first is one slow route or dependency: click its dots.",
            queries=(
                Query(sum_by(rate(series(HTTP_LATENCY.bucket)), LE), "{{le}}", exemplar=True, buckets=True),
            ),
            links=(TRACES,),
            unit="s",
            height=10,
        ),
        graph(
            "Latency",
            "Half, 95 % and 99 % of requests are answered within this time; dots are traced requests.",
            "only the 99th: a few slow routes. The median too: everything waits for the same thing.",
            tuple(
                Query(traffic.latency(share), name, exemplar=True)
                for name, share in traffic.QUANTILES.items()
            ),
            TRACES,
            to(links.DEPENDENCIES, "What it waits for"),
            unit="s",
            colors={"median": BLUE, "95th": ORANGE, "99th": RED},
            steps=LATENCY,
            height=10,
        ),
        listing(
            "Slowest routes",
            f"The {ROUTES} routes with the highest 95th percentile, with their traffic and errors.",
            "a slow route with little traffic hurts few; sort by requests to see what hurts most.",
            (
                each(top(ROUTES, traffic.latency(0.95, *_ROUTE))),
                each(traffic.latency(0.5, *_ROUTE)),
                each(traffic.latency(0.99, *_ROUTE)),
                each(traffic.requests(*_ROUTE)),
                each(traffic.failure_ratio(*_ROUTE)),
            ),
            (
                Column(source=Label.METHOD, title="Method", width=90),
                Column(source=Label.VIEW, title="Route", links=(TRACES,)),
                Column(source=1, title="Median", unit="s"),
                Column(source=0, title="95th percentile", unit="s", steps=LATENCY),
                Column(source=2, title="99th percentile", unit="s"),
                Column(source=3, title="Requests per second", unit="reqps", decimals=2),
                Column(source=4, title="Errors", unit="percentunit", steps=ERROR_RATIO, links=(to_errors(),)),
            ),
            TRACES,
            sort_by="95th percentile",
            width=24,
        ),
    ),
)

TIME: Final = Row(
    "Where the time goes",
    (
        graph(
            "Time per request",
            "Average seconds per request spent in the database, in calls to others, and in all.",
            "the curve that grew with the total is the cause; Dependencies names the target.",
            (
                Query(traffic.database_seconds(), "database"),
                Query(traffic.outbound_seconds(), "outbound", empty_when_healthy=_NO_CALLS),
                Query(traffic.mean_latency(), "in all"),
            ),
            to(links.DEPENDENCIES, "Database and outbound calls"),
            unit="s",
            colors={"database": PURPLE, "outbound": ORANGE, "in all": GREY},
        ),
        graph(
            "Statements per request",
            "How many database statements a request causes, on average.",
            "a step up after a deployment is most likely an N+1; `db_repeat` on the request's line names it.",
            Query(traffic.queries_per_request(), "statements"),
            to(links.DEPENDENCIES, "Database"),
            unit="short",
        ),
        listing(
            "Spans",
            f"The {ROUTES} spans with the highest 95th percentile: routes, statements, calls, tasks. "
            "From traces, so sampled: good for comparing, not for counting.",
            "a CLIENT span is slow: whom it calls is slow; only SERVER spans are: the service itself is.",
            (
                each(top(ROUTES, spans.duration(0.95, *_SPAN))),
                each(spans.duration(0.5, *_SPAN)),
                each(spans.per_second(*_SPAN)),
                each(spans.failure_ratio(*_SPAN)),
            ),
            (
                Column(source=SPAN_KIND, title="Kind", width=190),
                Column(source=SPAN_NAME, title="Span", links=(TRACES,)),
                Column(source=1, title="Median", unit="ms"),
                Column(source=0, title="95th percentile", unit="ms"),
                Column(source=2, title="Per second", unit="ops", decimals=2),
                Column(source=3, title="Failed", unit="percentunit", steps=ERROR_RATIO, links=(FAILED,)),
            ),
            TRACES,
            sort_by="95th percentile",
            width=24,
        ),
    ),
)

ROWS: Final = (LATENCY_ROW, TIME)
