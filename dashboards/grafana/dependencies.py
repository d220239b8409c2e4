"""Dependencies: what services wait for. Other services, breakers, databases, caches."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana import storage, traffic
from dashboards.grafana.figures import each, figure, graph, listing
from dashboards.grafana.panels import (
    ERROR_RATIO,
    GREEN,
    LATENCY,
    ORANGE,
    RED,
    ZERO_IS_WELL,
    Board,
    Column,
    Panel,
    Query,
    Row,
    TraceQuery,
)
from dashboards.grafana.variables import ENVIRONMENTS, MANY_SERVICES, series, to_errors, to_failed_traces
from dashboards.grafana.variables import to as to_dashboard
from dashboards.promql import eq, error_ratio, rate, sum_by
from dashboards.scrape import SERVICE
from django_observe.metricset import BREAKER_STATE, DB_QUERY_DURATION
from django_observe.vocabulary import Label

_CALLED: Final = (SERVICE, Label.SERVER_ADDRESS)
_NAME: Final = "{{service}} to {{server_address}}"
_NO_CALLS: Final = "no service has called another over HTTP"
_NO_BREAKER: Final = "no service has a circuit breaker of pybreaker"
_CLICKED: Final = "${__data.fields.Service}"
_TO_CALLER: Final = to_dashboard(links.SERVICE, "The calling service", service="${__field.labels.service}")
_CALL_ERROR_RATIO: Final = error_ratio(traffic.failed_calls(), traffic.calls())
_BY_TARGET: Final = error_ratio(traffic.failed_calls(*_CALLED), traffic.calls(*_CALLED))


def _breakers(state: str) -> str:
    """By breaker: whether any process has it in that state."""
    in_state = series(BREAKER_STATE.name, eq(Label.STATE, state))
    return f"({sum_by(in_state, SERVICE, Label.BREAKER)} > bool 0)"


_OPEN: Final = f"sum({_breakers('open')})"
_STATE: Final = f"clamp_max(2 * {_breakers('open')} + {_breakers('half_open')}, 2)"

NOW: Final = Row(
    "Now",
    (
        figure(
            "Outbound calls",
            "HTTP requests per second that services send.",
            "a jump without more traffic is a retry storm.",
            Query(traffic.calls(), empty_when_healthy=_NO_CALLS),
            to_dashboard(links.SERVICES, "Traffic"),
            unit="reqps",
        ),
        figure(
            "Failed calls",
            "The share of outbound calls answered with 500 or above, or not at all.",
            "the table below names caller and target.",
            Query(_CALL_ERROR_RATIO, empty_when_healthy=_NO_CALLS),
            to_errors(),
            unit="percentunit",
            steps=ERROR_RATIO,
        ),
        figure(
            "Calls, 95th percentile",
            "Nineteen of twenty outbound calls take at most this long.",
            "the target that is slow is below, with traced calls as dots.",
            Query(traffic.call_latency(0.95), empty_when_healthy=_NO_CALLS),
            to_dashboard(links.SERVICES, "Latency"),
            unit="s",
            steps=LATENCY,
        ),
        figure(
            "Breakers open",
            "Circuit breakers that are open in at least one process.",
            "calls through them fail at once; mend the target, they close by themselves.",
            Query(_OPEN, empty_when_healthy=_NO_BREAKER),
            to_errors(),
            steps=ZERO_IS_WELL,
            no_value="no breaker",
        ),
        figure(
            "Statements",
            "Database statements per second.",
            "a jump without more requests is an N+1 that was deployed.",
            Query(sum_by(rate(series(DB_QUERY_DURATION.count)))),
            to_dashboard(links.SERVICE, "Statements per request"),
            unit="ops",
        ),
        *storage.FIGURES,
    ),
)

CALLS: Final = Row(
    "Calls between services",
    (
        Panel(
            kind="nodeGraph",
            title="Service map",
            shows="Who calls whom, from Jaeger's traces of the chosen time; numbers are calls.",
            then="start at the red service of the table and follow its arrows to what it waits for.",
            queries=(TraceQuery({"queryType": "dependencyGraph"}),),
            links=(to_dashboard(links.SERVICES, "All services"),),
            unit="none",
            height=12,
        ),
        listing(
            "Targets",
            "Outbound calls of each service by target: rate, failures, 95th percentile.",
            "a target that fails for all callers is down; for one caller only, look at that caller.",
            (
                each(traffic.calls(*_CALLED), _NO_CALLS),
                each(_BY_TARGET, _NO_CALLS),
                each(traffic.call_latency(0.95, *_CALLED), _NO_CALLS),
            ),
            (
                Column(
                    source=SERVICE,
                    title="Service",
                    links=(to_dashboard(links.SERVICE, "Service", service=_CLICKED),),
                ),
                Column(source=Label.SERVER_ADDRESS, title="Calls"),
                Column(source=0, title="Per second", unit="reqps", decimals=2),
                Column(
                    source=1,
                    title="Failed",
                    unit="percentunit",
                    steps=ERROR_RATIO,
                    links=(to_errors(_CLICKED), to_failed_traces(_CLICKED)),
                ),
                Column(source=2, title="95th percentile", unit="s", steps=LATENCY),
            ),
            to_errors(_CLICKED),
            sort_by="Failed",
            height=12,
        ),
        graph(
            "Failed calls by target",
            "The share of calls answered with 500 or above, or not at all.",
            "compare with the breakers below; the caller's error lines say what it got.",
            Query(_BY_TARGET, _NAME, empty_when_healthy=_NO_CALLS),
            _TO_CALLER,
            to_errors("${__field.labels.service}"),
            unit="percentunit",
        ),
        graph(
            "Call latency by target, 95th percentile",
            "Nineteen of twenty calls take at most this long; dots are traced calls.",
            "click a dot for the trace: is it the network, or the target's own work?",
            Query(traffic.call_latency(0.95, *_CALLED), _NAME, exemplar=True, empty_when_healthy=_NO_CALLS),
            _TO_CALLER,
            unit="s",
        ),
        graph(
            "Calls by target",
            "Outbound calls per second.",
            "a target that gets none any more: its callers gave up, or a breaker is open.",
            Query(traffic.calls(*_CALLED), _NAME, empty_when_healthy=_NO_CALLS),
            _TO_CALLER,
            unit="reqps",
        ),
        Panel(
            kind="state-timeline",
            title="Circuit breakers",
            shows="The worst state of each breaker over the processes of its service.",
            then="open since when? That is when the target broke; half-open means it is being tried again.",
            queries=(Query(_STATE, "{{service}} {{breaker}}", empty_when_healthy=_NO_BREAKER),),
            links=(_TO_CALLER, to_errors("${__field.labels.service}")),
            states={"0": ("closed", GREEN), "1": ("half open", ORANGE), "2": ("open", RED)},
            unit="none",
            no_value="no breaker",
        ),
    ),
)

BOARD: Final = Board(
    uid=links.DEPENDENCIES,
    title="Dependencies",
    about="What services wait for: each other, circuit breakers, databases, caches.",
    variables=(ENVIRONMENTS, MANY_SERVICES),
    rows=(NOW, CALLS, *storage.ROWS),
)
