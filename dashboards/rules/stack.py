"""Alerts on Prometheus, Alertmanager, Loki and Jaeger themselves, and the Watchdog."""

from __future__ import annotations

from functools import partial
from typing import Final

from dashboards import links
from dashboards.promql import like, max_by, selector
from dashboards.rules.annotations import COUNT, SINCE, value
from dashboards.rules.expressions import grown
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import JAEGER_JOB, JOB, LOKI_JOB, STACK_JOBS, UP
from dashboards.stackmetrics import (
    ALERTS_REFUSED,
    INTEGRATION,
    LOKI_DISCARDED,
    LOKI_REASON,
    NOTIFICATIONS_DROPPED,
    NOTIFICATIONS_FAILED,
    RULE_FAILURES,
    RULE_GROUP,
    SPANS_NOT_STORED,
    SPANS_REFUSED,
)
from django_observe.vocabulary import Label

_ticket: Final = partial(Alert, severity="ticket", dashboard=links.TELEMETRY)


def groups(pace: Pace) -> list[Group]:
    """Each part of the stack, by its own metrics."""
    alerts = [_down(pace), *_losses(pace), *_failures(pace), _watchdog()]
    return [Group(name="stack", interval=pace(15 * SECOND), rules=alerts)]


def _down(pace: Pace) -> Alert:
    """The label `signal` lets Alertmanager silence what every service then says of this signal."""
    down = f"{max_by(selector(UP, like(JOB, '|'.join(STACK_JOBS))), JOB)} == 0"
    for job, signal in ((LOKI_JOB, "logs"), (JAEGER_JOB, "traces")):
        down = f'label_replace({down}, "{Label.SIGNAL}", "{signal}", "{JOB}", "{job}")'
    return _ticket(
        name="StackPartDown",
        expr=down,
        hold=pace(MINUTE),
        keys=(JOB,),
        summary=f"{value(JOB)}: does not answer Prometheus {SINCE}",
        description="Part of what you look with is gone; the services themselves are not affected.",
    )


def _lost(pace: Pace, *counters: str, by: str) -> str:
    return "\nor\n".join(grown(counter, pace(5 * MINUTE), by) for counter in counters)


def _losses(pace: Pace) -> list[Alert]:
    return [
        _ticket(
            name="LokiDiscardsLines",
            expr=_lost(pace, LOKI_DISCARDED, by=LOKI_REASON),
            keys=(LOKI_REASON,),
            summary=f"Loki: {COUNT} log lines discarded ({value(LOKI_REASON)}), {SINCE}",
            description="Within five minutes. The sender was told 400 or 429; the lines are lost.",
        ),
        _ticket(
            name="JaegerLosesSpans",
            expr=_lost(pace, SPANS_REFUSED, SPANS_NOT_STORED, by=JOB),
            keys=(JOB,),
            summary=f"Jaeger: {COUNT} spans refused or not stored, {SINCE}",
            description="Within five minutes: out of memory, or the storage fails. Traces have holes.",
        ),
    ]


def _failures(pace: Pace) -> list[Alert]:
    return [
        _ticket(
            name="PrometheusRulesFailing",
            expr=_lost(pace, RULE_FAILURES, by=RULE_GROUP),
            keys=(RULE_GROUP,),
            summary=f"Prometheus: rules of {value(RULE_GROUP)} cannot be evaluated, {SINCE}",
            description=f"{COUNT} failures within five minutes: alerts of this group may be blind.",
        ),
        _ticket(
            name="AlertsUndelivered",
            expr=_lost(pace, NOTIFICATIONS_DROPPED, ALERTS_REFUSED, by=JOB),
            keys=(JOB,),
            summary=f"Prometheus: {COUNT} alerts not delivered to Alertmanager, {SINCE}",
            description="Within five minutes. Alerts may reach nobody: see Prometheus' own page of alerts.",
        ),
        _ticket(
            name="NotificationsFailing",
            expr=_lost(pace, NOTIFICATIONS_FAILED, by=INTEGRATION),
            keys=(INTEGRATION,),
            summary=f"Alertmanager: {COUNT} notifications by {value(INTEGRATION)} failed, {SINCE}",
            description="Within five minutes. Who waits for alerts this way does not get them.",
        ),
    ]


def _watchdog() -> Alert:
    return Alert(
        name="Watchdog",
        expr="vector(1)",
        severity="none",
        keys=(),
        summary="Alerting works",
        description="Always firing: whoever receives it should worry when it stops.",
        dashboard=links.TELEMETRY,
    )
