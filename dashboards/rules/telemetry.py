"""Alerts on the telemetry itself, from every service's ledger: accepted, exported, dropped, queued."""

from __future__ import annotations

from functools import partial
from typing import Final

from dashboards import links, logql
from dashboards.promql import increase, like, max_by, sum_by
from dashboards.rules.annotations import CONCERNED, COUNT, SINCE, WHO, value
from dashboards.rules.expressions import SERVICE_KEYS, grown
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import INSTANCE, JOB
from django_observe.metricset import (
    INTERNAL_FAILURES,
    METRIC_OVERFLOW,
    SCRAPE_INCOMPLETE,
    TELEMETRY_ACCEPTED,
    TELEMETRY_DROPPED,
    TELEMETRY_LAST_SUCCESS,
    TELEMETRY_QUEUED,
)
from django_observe.vocabulary import Label

_SIGNAL_KEYS: Final = (*SERVICE_KEYS, Label.SIGNAL)
_OWN_LINES: Final = logql.where(
    logql.stream(*CONCERNED),
    like(logql.SEVERITY, f"WARNING|{logql.ERROR_LEVELS}"),
)
_ALL_LINES: Final = logql.stream(*CONCERNED)
"""Of a failing export the service tells on stderr alone; the lines show since when they are missing."""
_ticket: Final = partial(Alert, severity="ticket", dashboard=links.TELEMETRY, logs=_OWN_LINES)


def groups(pace: Pace) -> list[Group]:
    """Lost, stuck, broken, incomplete, overflowing."""
    alerts = [_dropped(pace), _silent(pace), _failures(pace), _incomplete(pace), _overflow(pace)]
    return [Group(name="telemetry", interval=pace(15 * SECOND), rules=alerts)]


def _dropped(pace: Pace) -> Alert:
    keys = (*_SIGNAL_KEYS, Label.REASON)
    return _ticket(
        name="TelemetryDropped",
        expr=grown(TELEMETRY_DROPPED.total, pace(5 * MINUTE), *keys),
        keys=keys,
        logs=_ALL_LINES,
        summary=f"{WHO}: {COUNT} {value(Label.SIGNAL)} records lost ({value(Label.REASON)}), {SINCE}",
        description="Within five minutes. Counters and SLOs are whole; traces or log lines are missing.",
    )


def _silent(pace: Pace) -> Alert:
    """A healthy service exports every few seconds; `for` bridges what two scrapes may see differently."""
    target = (*_SIGNAL_KEYS, JOB, INSTANCE)
    accepted = f"{sum_by(increase(TELEMETRY_ACCEPTED.total, pace(MINUTE)), *target)} > 0"
    queued = f"{sum_by(TELEMETRY_QUEUED.name, *target)} > 0"
    last = f"{max_by(TELEMETRY_LAST_SUCCESS.name, *target)} > time() - {pace.number(MINUTE)}"
    return _ticket(
        name="TelemetrySilent",
        expr=f"count by ({', '.join(_SIGNAL_KEYS)}) (\n  ({accepted} or {queued})\n  unless\n  {last}\n)",
        hold=pace(15 * SECOND),
        keys=_SIGNAL_KEYS,
        logs=_ALL_LINES,
        summary=f"{WHO}: {value(Label.SIGNAL)} of {COUNT} of its instances reach no backend, {SINCE}",
        description="Records are taken for export, and none was taken over for a minute or more.",
    )


def _failures(pace: Pace) -> Alert:
    keys = (*SERVICE_KEYS, Label.PLACE)
    return _ticket(
        name="TelemetryInternalFailures",
        expr=grown(INTERNAL_FAILURES.total, pace(5 * MINUTE), *keys),
        keys=keys,
        summary=f"{WHO}: {COUNT} faults of its own telemetry in {value(Label.PLACE)}, {SINCE}",
        description="Requests were not harmed. This is a bug of django_observe or of what it wraps.",
    )


def _incomplete(pace: Pace) -> Alert:
    return _ticket(
        name="ScrapeIncomplete",
        expr=f"{max_by(SCRAPE_INCOMPLETE.name, *SERVICE_KEYS)} == 1",
        hold=pace(5 * MINUTE),
        keys=SERVICE_KEYS,
        summary=f"{WHO}: /metrics shows one of several worker processes, {SINCE}",
        description="Rates and objectives of this service are wrong until its processes share a directory.",
    )


def _overflow(pace: Pace) -> Alert:
    keys = (*SERVICE_KEYS, Label.METRIC)
    return _ticket(
        name="MetricOverflow",
        expr=grown(METRIC_OVERFLOW.total, pace(15 * MINUTE), *keys),
        keys=keys,
        summary=f"{WHO}: {value(Label.METRIC)} has too many label values, {SINCE}",
        description=f"{COUNT} observations of 15 minutes were counted as `other`.",
    )
