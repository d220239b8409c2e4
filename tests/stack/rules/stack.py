"""The parts of the stack, by the metrics they publish about themselves, and the Watchdog."""

from __future__ import annotations

from tests.stack.rules.case import Case, Expected

ALL_ERRORS = '{service_name=~".+"} | severity_text=~"ERROR|CRITICAL"'


def _told(summary: str, description: str, since: int, **labels: str) -> Expected:
    return Expected(
        labels={"severity": "ticket", **labels},
        summary=summary,
        description=description,
        dashboard="observe-telemetry",
        variables={},
        logs=ALL_ERRORS,
        since=since,
    )


def _down(job: str, at: int, **signal: str) -> Case:
    told = _told(
        f"{job}: does not answer Prometheus since 00:05 UTC",
        "Part of what you look with is gone; the services themselves are not affected.",
        300,
        job=job,
        **signal,
    )
    return Case(
        alert="StackPartDown",
        title=f"{job} for {at - 300} s",
        series={f'up{{job="{job}",instance="{job}:80"}}': "1x19 0x20"},
        at=at,
        expected=told if at == 360 else None,
    )


def _counter(alert: str, metric: str, labels: dict[str, str], by: str, *text: str) -> tuple[Case, Case]:
    """Two more fire; five minutes later they are forgotten."""
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    given = {f"{metric}{{{inner}}}": "5x19 7x60"}
    told = _told(f"{text[0]}, since 00:05 UTC", text[1], 300, **{by: labels[by]})
    return (
        Case(alert=alert, title=f"{metric} by two", series=given, at=300, expected=told),
        Case(alert=alert, title=f"{metric} by two, five minutes ago", series=given, at=615),
    )


CASES = (
    _down("loki", 360, signal="logs"),
    _down("jaeger", 360, signal="traces"),
    _down("grafana", 360),
    _down("alertmanager", 345),
    *_counter(
        "LokiDiscardsLines",
        "loki_discarded_samples_total",
        {"job": "loki", "reason": "rate_limited", "tenant": "fake"},
        "reason",
        "Loki: 2 log lines discarded (rate_limited)",
        "Within five minutes. The sender was told 400 or 429; the lines are lost.",
    ),
    Case(
        alert="LokiDiscardsLines",
        title="the first ones of this reason, many at once",
        series={
            'up{job="loki",instance="l"}': "1x40",
            'loki_discarded_samples_total{job="loki",instance="l",reason="rate_limited"}': "_x20 50000x20",
        },
        at=300,
        expected=_told(
            "Loki: 50000 log lines discarded (rate_limited), since 00:05 UTC",
            "Within five minutes. The sender was told 400 or 429; the lines are lost.",
            300,
            reason="rate_limited",
        ),
    ),
    *(
        case
        for metric, label in (
            ("otelcol_receiver_refused_spans_total", "receiver"),
            ("otelcol_exporter_send_failed_spans_total", "exporter"),
        )
        for case in _counter(
            "JaegerLosesSpans",
            metric,
            {"job": "jaeger", label: "otlp"},
            "job",
            "Jaeger: 2 spans refused or not stored",
            "Within five minutes: out of memory, or the storage fails. Traces have holes.",
        )
    ),
    *_counter(
        "PrometheusRulesFailing",
        "prometheus_rule_evaluation_failures_total",
        {"job": "prometheus", "rule_group": "rules/alerts.yml;presence"},
        "rule_group",
        "Prometheus: rules of rules/alerts.yml;presence cannot be evaluated",
        "2 failures within five minutes: alerts of this group may be blind.",
    ),
    *(
        case
        for metric in ("prometheus_notifications_dropped_total", "prometheus_notifications_errors_total")
        for case in _counter(
            "AlertsUndelivered",
            metric,
            {"job": "prometheus", "alertmanager": "http://alertmanager:9093/api/v2/alerts"},
            "job",
            "Prometheus: 2 alerts not delivered to Alertmanager",
            "Within five minutes. Alerts may reach nobody: see Prometheus' own page of alerts.",
        )
    ),
    *_counter(
        "NotificationsFailing",
        "alertmanager_notifications_failed_total",
        {"job": "alertmanager", "integration": "email", "reason": "other"},
        "integration",
        "Alertmanager: 2 notifications by email failed",
        "Within five minutes. Who waits for alerts this way does not get them.",
    ),
    Case(
        alert="Watchdog",
        title="always",
        series={},
        at=300,
        expected=Expected(
            labels={"severity": "none"},
            summary="Alerting works",
            description="Always firing: whoever receives it should worry when it stops.",
            dashboard="observe-telemetry",
            variables={},
            logs=ALL_ERRORS,
            since=0,
        ),
    ),
)
