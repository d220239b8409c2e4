"""The telemetry itself: what is lost, silent, broken or incomplete."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, series

WARNINGS = f'{LINES} | severity_text=~"WARNING|ERROR|CRITICAL"'
ALL_ERRORS = '{service_name=~".+"} | severity_text=~"ERROR|CRITICAL"'
UP = {series("up"): "1x60"}


def _told(summary: str, description: str, since: int, logs: str = WARNINGS, **labels: str) -> Expected:
    return Expected(
        labels={**TARGET, "severity": "ticket", **labels},
        summary=f"orders (test): {summary}",
        description=description,
        dashboard="observe-telemetry",
        logs=logs,
        since=since,
    )


DROPPED = {"signal": "traces", "reason": "queue_full"}
_LEDGER = (
    Case(
        alert="TelemetryDropped",
        title="the counter is born with seven",
        series={**UP, series("observe_telemetry_dropped_total", **DROPPED): "_x39 7x10"},
        at=600,
        expected=_told(
            "7 traces records lost (queue_full), since 00:09 UTC",
            "Within five minutes. Counters and SLOs are whole; traces or log lines are missing.",
            585,
            LINES,
            **DROPPED,
        ),
    ),
    Case(
        alert="TelemetryDropped",
        title="the target is new, its losses are old",
        series={series("up"): "_x39 1x10", series("observe_telemetry_dropped_total", **DROPPED): "_x39 7x10"},
        at=600,
    ),
    Case(
        alert="TelemetryDropped",
        title="the target could not be scraped for a while, its losses are old",
        series={
            series("up"): "1x10 0x10 1x20",
            series("observe_telemetry_dropped_total", **DROPPED): "7x9 stale _x10 7x20",
        },
        at=570,
    ),
    Case(
        alert="TelemetryDropped",
        title="lost long ago",
        series={**UP, series("observe_telemetry_dropped_total", **DROPPED): "7x60"},
        at=600,
    ),
)


def _silent(last: str, at: int, expected: Expected | None, title: str, *grown: str) -> Case:
    return Case(
        alert="TelemetrySilent",
        title=title,
        series={
            series("observe_telemetry_accepted_total", signal="logs"): grown[0],
            series("observe_telemetry_queued", signal="logs"): grown[1],
            series("observe_telemetry_last_success_timestamp_seconds", signal="logs"): last,
        },
        at=at,
        expected=expected,
    )


_NO_BACKEND = _told(
    "logs of 1 of its instances reach no backend, since 00:06 UTC",
    "Records are taken for export, and none was taken over for a minute or more.",
    360,
    LINES,
    signal="logs",
)
_SILENT = (
    _silent("0+15x20 300x30", 375, _NO_BACKEND, "a minute behind for 15 s", "0+9x60", "0x60"),
    _silent("0+15x20 300x30", 360, None, "a minute behind just now", "0+9x60", "0x60"),
    _silent("0+15x20 300x30", 375, _NO_BACKEND, "records queue, no new ones come", "9x60", "0x19 4x40"),
    _silent("0+15x20 300x30", 600, None, "nothing to export", "9x60", "0x60"),
)


def _counter(
    alert: str, metric: str, text: tuple[str, str], minutes: int, /, **labels: str
) -> tuple[Case, Case]:
    """One event fires; the same event `minutes` later is forgotten."""
    given = {**UP, series(metric, **labels): "0x19 1x100"}
    told = _told(f"{text[0]}, since 00:05 UTC", text[1], 300, **labels)
    late = 300 + 60 * minutes + 15
    return (
        Case(alert=alert, title="one", series=given, at=300, expected=told),
        Case(alert=alert, title=f"one, {minutes} minutes ago", series=given, at=late),
    )


_FAULTS = (
    *_counter(
        "TelemetryInternalFailures",
        "observe_internal_failures_total",
        (
            "1 faults of its own telemetry in metrics",
            "Requests were not harmed. This is a bug of django_observe or of what it wraps.",
        ),
        5,
        place="metrics",
    ),
    *_counter(
        "MetricOverflow",
        "observe_metric_overflow_total",
        (
            "django_model_inserts_total has too many label values",
            "1 observations of 15 minutes were counted as `other`.",
        ),
        15,
        metric="django_model_inserts_total",
    ),
    *(
        Case(
            alert="ScrapeIncomplete",
            title=f"for {at - 300} s",
            series={series("observe_scrape_incomplete"): "0x19 1x40"},
            at=at,
            expected=_told(
                "/metrics shows one of several worker processes, since 00:05 UTC",
                "Rates and objectives of this service are wrong until its processes share a directory.",
                300,
            )
            if at == 600
            else None,
        )
        for at in (585, 600)
    ),
)
CASES = (*_LEDGER, *_SILENT, *_FAULTS)
