"""Journey: everything that carries one correlation ID. Lines of all services, the trace, the tasks."""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.grafana.figures import figure, graph, listing
from dashboards.grafana.panels import RED, ZERO_IS_WELL, Board, Column, Link, Panel, Query, Row, TraceQuery
from dashboards.grafana.variables import CARRIED_SERVICE, CORRELATION_ID, ENVIRONMENTS, TRACE, TRACE_ID, to
from dashboards.promql import like
from django_observe.vocabulary import Field

_STREAMS: Final = (like(logql.SERVICE_NAME, ".+"), like(logql.ENVIRONMENT_NAME, "$environment"))
_LINES: Final = logql.correlated("$correlation_id", *_STREAMS)
_ERRORS: Final = logql.where(_LINES, like(logql.SEVERITY, logql.ERROR_LEVELS))
_REQUESTS: Final = logql.requests(_LINES)
_TASKS: Final = logql.tasks(_LINES)
_WITH_SERVICE: Final = f"{_LINES} | {logql.line_format('{{ printf `%-16s` .service_name }} {{ __line__ }}')}"
_NONE: Final = "a journey need not have any"

_THE_TRACE: Final = TraceQuery({"query": "${trace}"})
_FOR_EXPLORE: Final = logql.correlated(
    "${correlation_id}",
    like(logql.SERVICE_NAME, ".+"),
    like(logql.ENVIRONMENT_NAME, "${environment:pipe}"),
)
EXPLORE_LINES: Final = Link("All its lines in Explore", links.logs_path(_FOR_EXPLORE, "${__from}", "${__to}"))
EXPLORE_TRACE: Final = Link("The trace in Explore", links.trace_path("${trace}", "${__from}", "${__to}"))
_SERVICE: Final = to(links.SERVICE, "This service at that time", service="${__data.fields.Service}")
_DRAW: Final = to(
    links.JOURNEY, "Draw this trace below", correlation_id="${correlation_id}", trace_id="${__value.raw}"
)
_TIME: Final = Column(source="Time", title="When", unit="dateTimeAsIso", width=190)
_WHO: Final = Column(source=logql.SERVICE_NAME, title="Service", links=(_SERVICE,), width=140)
_TRACED: Final = Column(source=Field.TRACE_ID, title="Trace", links=(_DRAW,), width=290)


def _lines(expr: str, *, instant: bool = False, empty: str | None = None, legend: str = "") -> Query:
    return Query(expr, legend, source=links.LOKI, instant=instant, empty_when_healthy=empty)


SUMMARY: Final = Row(
    "In short",
    (
        figure(
            "Log lines",
            "Lines with this correlation ID in the chosen time.",
            "none: widen the time range, or the ID was mistyped.",
            _lines(logql.total(_LINES), instant=True),
            EXPLORE_LINES,
            width=4,
            no_value="none: widen the time",
        ),
        figure(
            "Services",
            "How many services wrote such lines.",
            "fewer than the journey should touch: the last one named below is where it ended.",
            _lines(f"count ({logql.total(_LINES, logql.SERVICE_NAME)})", instant=True),
            to(links.DEPENDENCIES, "Who calls whom"),
            width=4,
        ),
        figure(
            "Error lines",
            "ERROR and CRITICAL lines among them.",
            "the first of them in time is most likely the cause.",
            _lines(logql.total(_ERRORS), instant=True, empty=_NONE),
            EXPLORE_LINES,
            width=4,
            steps=ZERO_IS_WELL,
            no_value="none",
        ),
        figure(
            "Requests",
            "HTTP requests that services answered on this journey.",
            "more than expected: someone retries.",
            _lines(logql.total(_REQUESTS), instant=True, empty=_NONE),
            EXPLORE_LINES,
            width=4,
            no_value="none",
        ),
        figure(
            "Task runs",
            "Celery task runs of this journey, retries included.",
            "none though a task was due: it waits in its queue, or was never published.",
            _lines(logql.total(_TASKS), instant=True, empty=_NONE),
            to(links.CELERY, "Backlog and workers"),
            width=4,
            no_value="none",
        ),
        figure(
            "Slowest request",
            "The longest that one service took for its answer.",
            "the trace below shows what it waited for.",
            _lines(logql.greatest(_REQUESTS, Field.DURATION_MS), instant=True, empty=_NONE),
            EXPLORE_TRACE,
            unit="ms",
            width=4,
            no_value="none",
        ),
    ),
)

LINES: Final = Row(
    "What every service wrote",
    (
        graph(
            "Lines by service",
            "Which service wrote how many lines when.",
            "a gap is time spent waiting: for a queue, a timeout, a retry.",
            _lines(logql.count(_LINES, logql.SERVICE_NAME), legend="{{service_name}}"),
            EXPLORE_LINES,
            width=24,
            height=5,
            bars=True,
            stacked=True,
        ),
        Panel(
            kind="logs",
            title="All lines in time order",
            shows="Every line of every service with this correlation ID, oldest first; its service leads it.",
            then="read downwards to the first red line; open it for its stack, route, task and trace.",
            queries=(_lines(_WITH_SERVICE),),
            links=(EXPLORE_LINES, EXPLORE_TRACE),
            unit="none",
            width=24,
            height=14,
            ascending=True,
        ),
    ),
)

STEPS: Final = Row(
    "Requests and tasks",
    (
        listing(
            "Requests in time order",
            "Each answered HTTP request: where, how it ended, how long, and what it cost.",
            "the topmost answer of 500 or above is where it broke: whoever was called answers first.",
            (_lines(_REQUESTS, empty=_NONE),),
            (
                _TIME,
                _WHO,
                Column(source=Field.METHOD, title="Method", width=80),
                Column(source=Field.ROUTE, title="Route"),
                Column(
                    source=Field.STATUS,
                    title="Status",
                    unit="short",
                    width=70,
                    steps=((None, "text"), (500, RED)),
                ),
                Column(source=Field.DURATION_MS, title="Took", unit="ms", width=90),
                Column(source=Field.DB_COUNT, title="Statements", unit="short", width=100),
                Column(source=Field.DB_MS, title="Database", unit="ms", width=90),
                Column(source=Field.HTTP_MS, title="Outbound", unit="ms", width=90),
                _TRACED,
            ),
            EXPLORE_LINES,
            labels_as_columns=True,
            sort_by="When",
            ascending=True,
            width=24,
            no_value="no request line",
        ),
        listing(
            "Tasks in time order",
            "Each Celery task run, retries included: how it ended, how long it ran and waited.",
            "several attempts: read the error type; a long wait: look at the backlog on Celery.",
            (_lines(_TASKS, empty=_NONE),),
            (
                _TIME,
                _WHO,
                Column(source=Field.TASK, title="Task"),
                Column(source=Field.STATE, title="State", width=110),
                Column(source=Field.ATTEMPT, title="Attempt", unit="short", width=80),
                Column(source=Field.DURATION_MS, title="Took", unit="ms", width=90),
                Column(source=Field.QUEUE_WAIT_MS, title="Waited", unit="ms", width=90),
                Column(source=Field.ERROR_TYPE, title="Error"),
                _TRACED,
            ),
            to(links.CELERY, "Backlog and workers"),
            labels_as_columns=True,
            sort_by="When",
            ascending=True,
            width=24,
            no_value="no task",
        ),
    ),
)

TRACES: Final = Row(
    "The trace",
    (
        Panel(
            kind="traces",
            title="Trace",
            shows="Every span of every service. Paste another trace ID above to draw that one.",
            then="empty: click a trace ID in the tables; a caller's own correlation ID is not the trace's.",
            queries=(_THE_TRACE,),
            links=(EXPLORE_TRACE,),
            unit="none",
            width=24,
            height=16,
        ),
        Panel(
            kind="nodeGraph",
            title="Spans as a graph",
            shows="The same trace as a graph: who called whom, and how long each took itself.",
            then="the circle with the largest share of its own time is where to look first.",
            queries=(_THE_TRACE,),
            links=(EXPLORE_TRACE, to(links.DEPENDENCIES, "All services")),
            unit="none",
            width=24,
            height=10,
        ),
    ),
)

BOARD: Final = Board(
    uid=links.JOURNEY,
    title="Journey",
    about="One correlation ID: every service's log lines in time order, its requests, tasks and trace.",
    variables=(CORRELATION_ID, TRACE_ID, TRACE, ENVIRONMENTS, CARRIED_SERVICE),
    rows=(SUMMARY, LINES, STEPS, TRACES),
    start="now-24h",
    refresh="",
)
