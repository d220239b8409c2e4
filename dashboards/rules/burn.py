"""Alerts on how fast error budgets are spent: several windows, several burn rates.

The four pairs of the Site Reliability Workbook, chapter 5, table 5-8
(https://sre.google/workbook/alerting-on-slos/), and no `for`: the short window does its work, and an alert
ends minutes after the errors do. With an objective of 99.9 % and steady traffic the fastest of these pairs
finds 30 % errors after 2.9 min. To tell of them within two, a faster one comes before it: it finds 30 % after
60 s, a total outage after 18 s, and that 60 % are too slow after 100 s. It leaves slower burns to the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dashboards import links, logql
from dashboards.promql import eq, ne, selector
from dashboards.rules.annotations import CONCERNED, SHARE, SINCE, WHO, value
from dashboards.rules.expressions import SERVICE_KEYS, on
from dashboards.rules.pace import DAY, HOUR, MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group, Severity
from dashboards.rules.slo import (
    AVAILABILITY,
    BUCKETS,
    DEFAULT_THRESHOLD,
    ERROR_BUDGET,
    LATENCY,
    OBJECTIVE_OVERRIDE,
    PERIOD_BURN_RATE,
    SLO,
    SLO_KEYS,
    THRESHOLD,
    THRESHOLD_OVERRIDE,
    bad,
    error_ratio,
    total,
)
from dashboards.scrape import LE
from django_observe.vocabulary import Field, Label

MINIMUM_BAD: Final = 10
"""Requests in the long window: without this floor one failure of a service that nobody uses would page."""
ENOUGH: Final = 0.75
"""The largest share that is asked for: 20 times a budget of 5 % would be more than all requests."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A pair of windows; both must exceed `factor` times the budget."""

    long: str
    short: str
    factor: float
    length: int
    """Seconds of the long window."""
    known_for: int
    """Seconds a service must have been watched: in a younger one this window sees what the faster one saw."""


FAST: Final = {
    AVAILABILITY: Burn("5m", "1m", 60, 5 * MINUTE, 0),
    LATENCY: Burn("5m", "1m", 20, 5 * MINUTE, 0),
}
PAGE: Final = (
    Burn("1h", "5m", 14.4, HOUR, 0),
    Burn("6h", "30m", 6, 6 * HOUR, HOUR),
)
TICKET: Final = (Burn("1d", "2h", 3, DAY, 6 * HOUR), Burn("3d", "6h", 1, 3 * DAY, DAY))
_SPENT: Final = (
    "{{ with printf `100 * " + PERIOD_BURN_RATE + "{service=%q,environment=%q,slo=%q}` "
    "$labels.service $labels.environment $labels.slo | query }}"
    " {{ . | first | value | printf `%.0f` }}% of the 30-day error budget is spent.{{ end }}"
)
_THRESHOLD_MS: Final = (
    "{{ with printf `" + THRESHOLD + "{service=%q,environment=%q}` "
    "$labels.service $labels.environment | query }}"
    "{{ with printf `1000 * vector(%s)` (. | first | label `le`) | query }}"
    "{{ . | first | value | printf `%.0f` }}{{ end }}"
    "{{ else }}" + f"{1000 * float(DEFAULT_THRESHOLD):.0f}" + "{{ end }}"
)
_PACES: Final[dict[Severity, str]] = {
    "page": "the error budget burns at least 6 times too fast; what should last 30 days lasts 5 at most",
    "ticket": "the error budget burns faster than the objective allows and will not last 30 days",
}


def groups(pace: Pace) -> list[Group]:
    """Pages and tickets for both objectives."""
    alerts = [
        _errors(pace, "page"),
        _errors(pace, "ticket"),
        _slowness(pace, "page"),
        _slowness(pace, "ticket"),
    ]
    return [Group(name="slo-burn", interval=pace(15 * SECOND), rules=[*alerts, _unusable(pace)])]


def _errors(pace: Pace, severity: Severity) -> Alert:
    return Alert(
        name="ErrorBudgetBurn",
        expr=_burning(pace, AVAILABILITY, severity),
        severity=severity,
        keys=SLO_KEYS,
        summary=f"{WHO}: {SHARE} of requests fail, {SINCE}",
        description=f"Answers with status 5xx: {_PACES[severity]}.{_SPENT}",
    )


def _slowness(pace: Pace, severity: Severity) -> Alert:
    return Alert(
        name="LatencyBudgetBurn",
        expr=_burning(pace, LATENCY, severity),
        severity=severity,
        keys=SLO_KEYS,
        summary=f"{WHO}: {SHARE} of requests are too slow, {SINCE}",
        description=f"Answers slower than the objective's threshold: {_PACES[severity]}.{_SPENT}",
        logs=logql.where(logql.stream(*CONCERNED), f"{Field.DURATION_MS} > {_THRESHOLD_MS}"),
    )


def _burning(pace: Pace, slo: str, severity: Severity) -> str:
    pairs = (FAST[slo], *PAGE) if severity == "page" else TICKET
    return "\nor\n".join(_pair(pace, slo, burn) for burn in pairs)


def _pair(pace: Pace, slo: str, burn: Burn) -> str:
    limit = f"clamp_max({burn.factor:g} * {selector(ERROR_BUDGET, eq(SLO, slo))}, {ENOUGH:g})"
    conditions = [
        f"{selector(error_ratio(burn.short), eq(SLO, slo))} > {limit}",
        f"{selector(error_ratio(burn.long), eq(SLO, slo))} > {limit}",
        f"{selector(bad(burn.long), eq(SLO, slo))} >= {MINIMUM_BAD}",
    ]
    if burn.known_for:
        earlier = f"[{pace(burn.length - burn.known_for)}] offset {pace(burn.known_for)}"
        conditions.append(f"present_over_time({selector(total('5m'), eq(SLO, slo))}{earlier})")
    return "(\n  " + "\n  and\n  ".join(conditions) + "\n)"


def _unusable(pace: Pace) -> Alert:
    """Prometheus takes any number and any label; a slip of the pen would go unnoticed."""
    present = total("5m")
    somewhere = ne(Label.ENVIRONMENT, "")
    known = f"max_over_time({present}[{pace(HOUR)}])"
    entries = [
        f"{OBJECTIVE_OVERRIDE} <= 0",
        f"{OBJECTIVE_OVERRIDE} >= 1",
        f"({OBJECTIVE_OVERRIDE} unless {on(Label.SERVICE, SLO)} {known})",
        f"({selector(OBJECTIVE_OVERRIDE, somewhere)} unless {on(*SLO_KEYS)} {known})",
        f"({THRESHOLD_OVERRIDE} unless {on(Label.SERVICE)} {known})",
        f"({selector(THRESHOLD_OVERRIDE, somewhere)} unless {on(*SERVICE_KEYS)} {known})",
        f"({THRESHOLD_OVERRIDE} and {on(Label.SERVICE)} {present} unless {on(Label.SERVICE, LE)} {BUCKETS})",
    ]
    return Alert(
        name="ObjectiveUnusable",
        expr="count by (service) (\n  " + "\n  or\n  ".join(entries) + "\n)",
        severity="ticket",
        hold=pace(15 * MINUTE),
        keys=(Label.SERVICE,),
        summary=f"{value(Label.SERVICE)}: its entry in objectives.yml is not used, {SINCE}",
        description="No such service, environment, objective or bucket, or a number not between 0 and 1.",
        dashboard=links.SLO,
    )
