"""Alerts on Prometheus, Alertmanager, Loki and Jaeger themselves, and the Watchdog."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.promql import increase, like, max_by, selector, sum_by
from dashboards.rules.annotations import COUNT, SINCE, value
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import JAEGER_JOB, JOB, LOKI_JOB, STACK_JOBS, UP
from dashboards.stackmetrics import (
    INTEGRATION,
    LOKI_DISCARDED,
    LOKI_REASON,
    NOTIFICATIONS_DROPPED,
    NOTIFICATIONS_FAILED,
    RULE_FAILURES,
    SPANS_NOT_STORED,
    SPANS_REFUSED,
)
from django_observe.vocabulary import Label

# https://github.com/prometheus/prometheus/tree/main/documentation/prometheus-mixin, and :9090/metrics of 2.42
RULE_GROUP: Final = "rule_group"
ALERTS_REFUSED: Final = "prometheus_notifications_errors_total"
LABELS: Final = {RULE_FAILURES: (RULE_GROUP,), ALERTS_REFUSED: ("alertmanager",)}
"""Series of the stack that only alerts ask for, and their labels."""


def groups(pace: Pace) -> list[Group]:
    """Each part of the stack, by its own metrics."""
    alerts = [_down(pace), *_losses(pace), *_failures(pace), _watchdog()]
    return [Group(name="stack", interval=pace(15 * SECOND), rules=alerts)]


def _down(pace: Pace) -> Alert:
    """The label `signal` lets Alertmanager silence what every service then says of this signal."""
    down = f"{max_by(selector(UP, like(JOB, '|'.join(STACK_JOBS))), JOB)} == 0"
    for job, signal in ((LOKI_JOB, "logs"), (JAEGER_JOB, "traces")):
        down = f'label_replace({down}, "{Label.SIGNAL}", "{signal}", "{JOB}", "{job}")'
    return Alert(
        name="StackPartDown",
        expr=down,
        severity="ticket",
        hold=pace(MINUTE),
        keys=(JOB,),
        summary=f"{value(JOB)}: does not answer Prometheus {SINCE}",
        description="Part of what you look with is gone; the services themselves are not affected.",
        dashboard=links.TELEMETRY,
    )


def _lost(pace: Pace, *counters: str, by: str) -> str:
    return "\nor\n".join(f"{sum_by(increase(counter, pace(5 * MINUTE)), by)} > 0" for counter in counters)


def _losses(pace: Pace) -> list[Alert]:
    return [
        Alert(
            name="LokiDiscardsLines",
            expr=_lost(pace, LOKI_DISCARDED, by=LOKI_REASON),
            severity="ticket",
            keys=(LOKI_REASON,),
            summary=f"Loki: {COUNT} log lines discarded ({value(LOKI_REASON)}), {SINCE}",
            description="Within five minutes. The sender was told 400 or 429; the lines are lost.",
            dashboard=links.TELEMETRY,
        ),
        Alert(
            name="JaegerLosesSpans",
            expr=_lost(pace, SPANS_REFUSED, SPANS_NOT_STORED, by=JOB),
            severity="ticket",
            keys=(JOB,),
            summary=f"Jaeger: {COUNT} spans refused or not stored, {SINCE}",
            description="Within five minutes: out of memory, or the storage fails. Traces have holes.",
            dashboard=links.TELEMETRY,
        ),
    ]


def _failures(pace: Pace) -> list[Alert]:
    return [
        Alert(
            name="PrometheusRulesFailing",
            expr=_lost(pace, RULE_FAILURES, by=RULE_GROUP),
            severity="ticket",
            keys=(RULE_GROUP,),
            summary=f"Prometheus: rules of {value(RULE_GROUP)} cannot be evaluated, {SINCE}",
            description=f"{COUNT} failures within five minutes: alerts of this group may be blind.",
            dashboard=links.TELEMETRY,
        ),
        Alert(
            name="AlertsUndelivered",
            expr=_lost(pace, NOTIFICATIONS_DROPPED, ALERTS_REFUSED, by=JOB),
            severity="ticket",
            keys=(JOB,),
            summary=f"Prometheus: {COUNT} alerts not delivered to Alertmanager, {SINCE}",
            description="Within five minutes. Alerts may reach nobody: see Prometheus' own page of alerts.",
            dashboard=links.TELEMETRY,
        ),
        Alert(
            name="NotificationsFailing",
            expr=_lost(pace, NOTIFICATIONS_FAILED, by=INTEGRATION),
            severity="ticket",
            keys=(INTEGRATION,),
            summary=f"Alertmanager: {COUNT} notifications by {value(INTEGRATION)} failed, {SINCE}",
            description="Within five minutes. Who waits for alerts this way does not get them.",
            dashboard=links.TELEMETRY,
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
