"""Alerts on services that are not there, cannot be scraped, or get no requests any more.

Prometheus sees a dead target within one scrape (15 s) and evaluates every 15 s: with `for: 1m` the alert
comes at most 1 min 30 s after the end of the last instance, and an ordinary restart stays quiet.
"""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.promql import count_by, eq, increase, like, max_by, selector, sum_by
from dashboards.rules.annotations import CONCERNED, COUNT, SINCE, WHO, value
from dashboards.rules.expressions import SERVICE_KEYS, earlier, group_by, renamed
from dashboards.rules.pace import HOUR, MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import DJANGO_JOB, JOB, SERVICE_JOBS, UP
from django_observe.metricset import HTTP_REQUESTS_BEFORE
from django_observe.vocabulary import Label

DEPENDENCY: Final = "dependency"
"""A label that ServiceAbsent and the alerts of its callers share, so that the one can silence the others."""
USUAL_REQUESTS: Final = 300
"""In half an hour: ten a minute, so that a minute and a half without any is no chance (e to the minus 15)."""
ALL_LINES: Final = logql.stream(*CONCERNED)


def gone(pace: Pace, job: str) -> str:
    """Services none of whose targets of `job` answers, or that had targets within the last hour."""
    up = selector(UP, eq(JOB, job))
    known = group_by(f"max_over_time({up}[{pace(HOUR)}]) > 0", *SERVICE_KEYS)
    return f"{max_by(up, *SERVICE_KEYS)} == 0\nor\n({known} unless {group_by(up, *SERVICE_KEYS)})"


def groups(pace: Pace) -> list[Group]:
    """Absence, failing scrapes, silence."""
    alerts = [_service_absent(pace), _scrape_failing(pace), _traffic_stopped(pace)]
    return [Group(name="presence", interval=pace(15 * SECOND), rules=alerts)]


def _service_absent(pace: Pace) -> Alert:
    return Alert(
        name="ServiceAbsent",
        expr=renamed(gone(pace, DJANGO_JOB), DEPENDENCY, Label.SERVICE),
        severity="page",
        hold=pace(MINUTE),
        keys=SERVICE_KEYS,
        summary=f"{WHO}: down, no instance answers {SINCE}",
        description="No instance of the service can be scraped, or all have left the list of targets.",
        logs=ALL_LINES,
    )


def _scrape_failing(pace: Pace) -> Alert:
    """By instance: in a rolling restart one is always down, but none for long."""
    keys = (*SERVICE_KEYS, JOB)
    up = selector(UP, like(JOB, "|".join(SERVICE_JOBS)))
    window = pace(2 * MINUTE)
    down = f"({up} == 0 and {up} offset {window}) unless max_over_time({up}[{window}]) == 1"
    return Alert(
        name="ScrapeFailing",
        expr=f"{count_by(down, *keys)}\nand\n{max_by(up, *keys)} == 1",
        severity="ticket",
        keys=keys,
        summary=f"{WHO}: {COUNT} of its instances cannot be scraped, {SINCE}",
        description=f"For two minutes: down, overloaded, or refusing. Others of job {value(JOB)} answer.",
        dashboard=links.TELEMETRY,
        logs=ALL_LINES,
    )


def _traffic_stopped(pace: Pace) -> Alert:
    requests = selector(HTTP_REQUESTS_BEFORE.total, eq(JOB, DJANGO_JOB))
    before = earlier("increase", requests, pace(30 * MINUTE), pace(2 * MINUTE))
    now = sum_by(increase(requests, pace(MINUTE)), *SERVICE_KEYS)
    return Alert(
        name="TrafficStopped",
        expr=f"{now} == 0\nand\n{sum_by(before, *SERVICE_KEYS)} >= {USUAL_REQUESTS}",
        severity="page",
        hold=pace(30 * SECOND),
        keys=SERVICE_KEYS,
        summary=f"{WHO}: no request {SINCE}, where there were many",
        description=f"In the half hour before, at least {USUAL_REQUESTS} came. The service answers scrapes.",
        logs=ALL_LINES,
    )
