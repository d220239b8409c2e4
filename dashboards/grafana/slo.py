"""SLO: what was promised, what was delivered, how fast the budget is spent."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana.budgets import burn_rate
from dashboards.grafana.figures import each, figure, graph, listing
from dashboards.grafana.panels import BUDGET_LEFT, GREEN, ORANGE, RED, Board, Column, Panel, Query, Row, Step
from dashboards.grafana.variables import ENVIRONMENTS, MANY_SERVICES, series, to, to_errors, to_failed_traces
from dashboards.promql import count_by, eq, max_by, min_by
from dashboards.rules.burn import FAST, PAGE, TICKET
from dashboards.rules.slo import (
    AVAILABILITY,
    BUDGET_REMAINING,
    CURRENT_BURN_RATE,
    LATENCY,
    OBJECTIVE,
    SLO,
    error_ratio,
    total,
)
from dashboards.scrape import ENVIRONMENT, SERVICE

_KEYS: Final = (SERVICE, ENVIRONMENT, SLO)
_NAME: Final = "{{service}} {{slo}}"
_PAGES: Final = min(burn.factor for burn in PAGE)
_TICKETS: Final = min(burn.factor for burn in TICKET)
BURN: Final[tuple[Step, ...]] = ((None, GREEN), (_TICKETS, ORANGE), (_PAGES, RED))
"""Above 1 the budget does not last; from the lowest paging factor on somebody is called."""
_CLICKED: Final = "${__data.fields.Service}"
_TO_SERVICE: Final = to(links.SERVICE, "What fails there", service="${__field.labels.service}")
_TO_ERRORS: Final = to_errors("${__field.labels.service}")
_FAST: Final = (
    f"above {FAST[AVAILABILITY].factor:g} (availability) or {FAST[LATENCY].factor:g} (latency) "
    f"over {FAST[AVAILABILITY].long} and {FAST[AVAILABILITY].short}"
)
"""The first page of all."""
_MISSED: Final = f"{count_by(f'{series(BUDGET_REMAINING)} < 0')} or vector(0)"

NOW: Final = Row(
    "Now",
    (
        figure(
            "Objectives",
            "How many objectives are watched: two for each service that gets requests.",
            "fewer than expected: a service is not scraped, or has had no request yet.",
            Query(count_by(series(OBJECTIVE))),
            to(links.TELEMETRY, "Scraped targets"),
            width=4,
        ),
        figure(
            "Objectives missed",
            "Objectives whose 30 day budget is used up.",
            "hold risky changes to that service until the budget is back.",
            Query(_MISSED),
            to(links.SERVICES, "All services"),
            width=4,
            steps=((None, GREEN), (1, RED)),
        ),
        figure(
            "Least availability budget",
            "The smallest share of an availability budget that is left.",
            "the table below says whose.",
            Query(min_by(series(BUDGET_REMAINING, eq(SLO, AVAILABILITY)))),
            to(links.SERVICES, "All services"),
            unit="percentunit",
            width=4,
            steps=BUDGET_LEFT,
            minimum=None,
        ),
        figure(
            "Least latency budget",
            "The smallest share of a latency budget that is left.",
            "the table below says whose.",
            Query(min_by(series(BUDGET_REMAINING, eq(SLO, LATENCY)))),
            to(links.SERVICES, "All services"),
            unit="percentunit",
            width=4,
            steps=BUDGET_LEFT,
            minimum=None,
        ),
        figure(
            "Fastest burn, 5 minutes",
            "How many times too fast the most endangered budget is being spent right now.",
            f"it pages {_FAST}, or above 14.4 over 1h and 5m; open the service that burns.",
            Query(max_by(series(CURRENT_BURN_RATE))),
            to(links.SERVICES, "All services"),
            to_errors(),
            width=4,
            steps=BURN,
            decimals=1,
        ),
        figure(
            "Fastest burn, 1 hour",
            "The same over the last hour, which the second of the paging windows looks at.",
            "still high when the 5 minutes are low again: it is over, and was costly.",
            Query(max_by(burn_rate("1h"))),
            to(links.SERVICES, "All services"),
            width=4,
            steps=BURN,
            decimals=1,
        ),
    ),
)

OBJECTIVES: Final = Row(
    "Each objective",
    (
        listing(
            "Objectives and budgets",
            "What each service promises, what it delivers, and how fast it spends its budget.",
            "the smallest budget first; click the service for its failing and slow routes.",
            (
                each(max_by(series(OBJECTIVE), *_KEYS)),
                each(f"1 - {max_by(series(error_ratio('30d')), *_KEYS)}"),
                each(min_by(series(BUDGET_REMAINING), *_KEYS)),
                each(max_by(series(CURRENT_BURN_RATE), *_KEYS)),
                each(max_by(burn_rate("1h"), *_KEYS)),
                each(max_by(burn_rate("6h"), *_KEYS)),
                each(max_by(burn_rate("3d"), *_KEYS)),
                each(max_by(series(total("30d")), *_KEYS)),
            ),
            (
                Column(
                    source=SERVICE,
                    title="Service",
                    links=(to(links.SERVICE, "What fails there", service=_CLICKED),),
                ),
                Column(source=ENVIRONMENT, title="Environment"),
                Column(source=SLO, title="Objective"),
                Column(source=0, title="Promised", unit="percentunit", decimals=3),
                Column(source=1, title="Delivered, 30 days", unit="percentunit", decimals=3),
                Column(source=2, title="Budget left", unit="percentunit", steps=BUDGET_LEFT, decimals=1),
                Column(source=3, title="Burn, 5 min", unit="none", steps=BURN, decimals=1),
                Column(source=4, title="Burn, 1 h", unit="none", steps=BURN, decimals=1),
                Column(source=5, title="Burn, 6 h", unit="none", steps=BURN, decimals=1),
                Column(source=6, title="Burn, 3 d", unit="none", steps=BURN, decimals=1),
                Column(source=7, title="Requests, 30 days", unit="short"),
            ),
            to(links.SERVICE, "What fails there", service=_CLICKED),
            to_errors(_CLICKED),
            to_failed_traces(_CLICKED),
            sort_by="Budget left",
            ascending=True,
            width=24,
        ),
    ),
)


def _burn(window: str, pair: str) -> Panel:
    return graph(
        f"Burn rate, {window}",
        "How many times too fast each budget is spent; lines mark where a ticket and a page begin.",
        f"{pair}; open the service that is above the line.",
        Query(burn_rate(window), _NAME),
        _TO_SERVICE,
        _TO_ERRORS,
        unit="none",
        width=8,
        steps=BURN,
    )


CURVES: Final = Row(
    "Burn rates and budgets",
    (
        _burn("5m", f"it pages {_FAST}, or above 14.4 together with one hour"),
        _burn("1h", "above 14.4 together with five minutes it pages"),
        _burn("6h", "above 6 together with half an hour it pages"),
        graph(
            "Budget left, 30 days",
            "How the budget of each objective went down; it regains what happened 30 days ago.",
            "cliffs are incidents to look into; a steady slope is a promise that the service cannot keep.",
            Query(series(BUDGET_REMAINING), _NAME),
            _TO_SERVICE,
            unit="percentunit",
            minimum=None,
            time_from="30d",
        ),
        graph(
            "Bad events, 30 days",
            "The share of requests that failed, or were too slow, in windows of one day.",
            "compare the days with the deployments marked in blue.",
            Query(series(error_ratio("1d")), _NAME),
            _TO_SERVICE,
            _TO_ERRORS,
            unit="percentunit",
            time_from="30d",
        ),
    ),
)

BOARD: Final = Board(
    uid=links.SLO,
    title="SLO",
    about="Objectives of every service: promised and delivered, burn rates, budgets over 30 days.",
    variables=(ENVIRONMENTS, MANY_SERVICES),
    rows=(NOW, OBJECTIVES, CURVES),
    start="now-6h",
    refresh="1m",
)
