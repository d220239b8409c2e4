"""Alerts on how fast error budgets are spent: several windows, several burn rates.

The Site Reliability Workbook, chapter 5, table 5-8 (https://sre.google/workbook/alerting-on-slos/). No `for`:
the short window does its work, and an alert ends minutes after the errors do. With an objective of 99.9 % and
steady traffic the first pair finds a total outage after 52 s, 30 % errors after 2.9 min, 10 % after 8.6 min.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dashboards import logql
from dashboards.promql import eq, selector
from dashboards.rules.annotations import SINCE, WHO, encoded_value
from dashboards.rules.pace import DAY, HOUR, SECOND, Pace
from dashboards.rules.rule import Alert, Group, Severity
from dashboards.rules.slo import (
    AVAILABILITY,
    BUDGET_REMAINING,
    ERROR_BUDGET,
    INTERVAL,
    LATENCY,
    SLO,
    SLO_KEYS,
    bad,
    error_ratio,
    total,
)
from django_observe.vocabulary import Field, Label

MINIMUM_BAD: Final = 10
"""Requests in the long window: without this floor one failure of a service that nobody uses would page."""


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


PAGE: Final = (Burn("1h", "5m", 14.4, HOUR, 0), Burn("6h", "30m", 6, 6 * HOUR, HOUR))
TICKET: Final = (Burn("1d", "2h", 3, DAY, 6 * HOUR), Burn("3d", "6h", 1, 3 * DAY, DAY))
_REST: Final = (
    "{{ with printf `" + BUDGET_REMAINING + "{service=%q,environment=%q,slo=%q}` "
    "$labels.service $labels.environment $labels.slo | query }}"
    " Of the budget of 30 days {{ . | first | value | humanizePercentage }} is left.{{ end }}"
)
_PACES: Final[dict[Severity, str]] = {
    "page": "at least 6 times too fast: the error budget of 30 days lasts 5 days at most",
    "ticket": "faster than the objective allows: the error budget will not last the 30 days",
}


def groups(pace: Pace) -> list[Group]:
    """Pages and tickets for both objectives."""
    alerts = [
        _errors(pace, "page"),
        _errors(pace, "ticket"),
        _slowness(pace, "page"),
        _slowness(pace, "ticket"),
    ]
    return [Group(name="slo-burn", interval=pace(15 * SECOND), rules=alerts)]


def _errors(pace: Pace, severity: Severity) -> Alert:
    return Alert(
        name="ErrorBudgetBurn",
        expr=_burning(pace, AVAILABILITY, severity),
        severity=severity,
        keys=SLO_KEYS,
        summary=f"{WHO}: {{{{ $value | humanizePercentage }}}} of requests fail, {SINCE}",
        description=f"Answers with status 5xx come {_PACES[severity]}.{_REST}",
    )


def _slowness(pace: Pace, severity: Severity) -> Alert:
    service = logql.stream(eq(logql.SERVICE_NAME, encoded_value(Label.SERVICE)))
    return Alert(
        name="LatencyBudgetBurn",
        expr=_burning(pace, LATENCY, severity),
        severity=severity,
        keys=SLO_KEYS,
        summary=f"{WHO}: {{{{ $value | humanizePercentage }}}} of requests are too slow, {SINCE}",
        description=f"Answers slower than the objective's threshold come {_PACES[severity]}.{_REST}",
        logs=logql.where(service, f"{Field.DURATION_MS} > 500"),
    )


def _burning(pace: Pace, slo: str, severity: Severity) -> str:
    return "\nor\n".join(_pair(pace, slo, burn) for burn in (PAGE if severity == "page" else TICKET))


def _pair(pace: Pace, slo: str, burn: Burn) -> str:
    limit = f"{burn.factor:g} * {selector(ERROR_BUDGET, eq(SLO, slo))}"
    conditions = [
        f"{selector(error_ratio(burn.short), eq(SLO, slo))} > {limit}",
        f"{selector(error_ratio(burn.long), eq(SLO, slo))} > {limit}",
        f"{selector(bad(burn.long), eq(SLO, slo))} >= {MINIMUM_BAD}",
    ]
    if burn.known_for:
        seen = f"count_over_time({selector(total('5m'), eq(SLO, slo))}[{pace(burn.length)}])"
        conditions.append(f"{seen} > {burn.known_for // INTERVAL}")
    return "(\n  " + "\n  and\n  ".join(conditions) + "\n)"
