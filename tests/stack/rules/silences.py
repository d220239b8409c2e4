"""Pairs of alerts: the first silences the second, or for all their likeness does not."""

from __future__ import annotations

Labels = dict[str, str]


def _of(service: str, alertname: str, **labels: str) -> Labels:
    return {"alertname": alertname, "service": service, **labels}


SILENCED: list[tuple[Labels, Labels]] = [
    (_of("a1", "ErrorBudgetBurn", severity="page"), _of("a1", "ErrorBudgetBurn", severity="ticket")),
    (_of("a2", "LatencyBudgetBurn", severity="page"), _of("a2", "LatencyBudgetBurn", severity="ticket")),
    *(
        (
            _of(f"b{number}", "ServiceAbsent", severity="page", dependency=f"b{number}"),
            _of(f"b{number}", name),
        )
        for number, name in enumerate(
            (
                "ErrorBudgetBurn",
                "LatencyBudgetBurn",
                "TrafficStopped",
                "ScrapeFailing",
                "ScrapeIncomplete",
                "BadVersion",
                "DependencyFailing",
                "DependencySlow",
                "CircuitBreakerOpen",
                "DatabaseErrors",
                "DatabaseConnectionErrors",
                "TelemetryDropped",
                "TelemetrySilent",
                "TelemetryInternalFailures",
                "ErrorLogsRising",
            )
        )
    ),
    *(
        (
            _of(f"c{number}", "ServiceAbsent", dependency=f"c{number}"),
            _of("caller", name, dependency=f"c{number}"),
        )
        for number, name in enumerate(("DependencyFailing", "DependencySlow", "CircuitBreakerOpen"))
    ),
    *(
        (_of(f"d{number}", "CeleryWorkerAbsent", severity="page"), _of(f"d{number}", name, queue_name="mail"))
        for number, name in enumerate(("CeleryBacklogGrowing", "CeleryQueueWaitLong", "CeleryQueueStalled"))
    ),
    (
        _of("e", "DatabaseConnectionErrors", alias="default"),
        _of("e", "DatabaseErrors", alias="default"),
    ),
    (
        _of("f", "TelemetrySilent", signal="spans"),
        _of("f", "TelemetryDropped", signal="spans", reason="full"),
    ),
    (
        {"alertname": "StackPartDown", "job": "loki", "signal": "logs"},
        _of("g", "TelemetrySilent", signal="logs"),
    ),
    (_of("h1", "ErrorBudgetBurn", severity="page"), _of("h1", "ErrorLogsRising")),
    (_of("h2", "CeleryTaskFailures", name="shop.mail"), _of("h2", "ErrorLogsRising")),
    (_of("h3", "CeleryRetryStorm", name="shop.mail"), _of("h3", "ErrorLogsRising")),
]
HEARD: list[tuple[Labels, Labels]] = [
    (_of("k1", "ErrorBudgetBurn", severity="page"), _of("k2", "ErrorBudgetBurn", severity="ticket")),
    (_of("k1", "ErrorBudgetBurn", severity="page"), _of("k1", "LatencyBudgetBurn", severity="ticket")),
    (_of("k3", "ServiceAbsent", dependency="k3"), _of("k3", "CeleryTaskFailures", name="shop.mail")),
    (_of("k4", "ServiceAbsent", dependency="k4"), _of("k5", "DependencyFailing", server_address="10.0.0.7")),
    (_of("k6", "DatabaseConnectionErrors", alias="default"), _of("k6", "DatabaseErrors", alias="replica")),
    (
        {"alertname": "StackPartDown", "job": "grafana"},
        _of("k7", "TelemetrySilent", signal="metrics"),
    ),
]
