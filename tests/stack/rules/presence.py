"""Services that are gone, failing scrapes, traffic that stops; objectives that cannot be used."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, series
from tests.stack.rules.objectives import LENIENT, RATIO, THRESHOLD, entry

UP = series("up")
SECOND = series("up", instance="orders-2:8000")
REQUESTS = series("django_http_requests_before_middlewares_total")
RESPONSES = series("django_http_responses_total_by_status_total", status="200")


def _absent(since: int, clock: str) -> Expected:
    return Expected(
        labels={**TARGET, "dependency": "orders", "severity": "page"},
        summary=f"orders (test): down, no instance answers since {clock} UTC",
        description="No instance of the service can be scraped, or all have left the list of targets.",
        logs=LINES,
        since=since,
    )


_ABSENT = (
    Case(
        alert="ServiceAbsent",
        title="both instances down for a minute",
        series={UP: "1x19 0x20", SECOND: "0x40"},
        at=360,
        expected=_absent(300, "00:05"),
    ),
    Case(
        alert="ServiceAbsent",
        title="both instances down for 45 s",
        series={UP: "1x19 0x20", SECOND: "0x40"},
        at=345,
    ),
    Case(
        alert="ServiceAbsent",
        title="the only target left the list",
        series={UP: "1x19 stale"},
        at=360,
        expected=_absent(300, "00:05"),
    ),
    Case(
        alert="ServiceAbsent", title="one of two instances down", series={UP: "1x40", SECOND: "0x40"}, at=600
    ),
    Case(
        alert="ScrapeFailing",
        title="one of two instances down for two minutes",
        series={UP: "1x40", SECOND: "1x19 0x20"},
        at=420,
        expected=Expected(
            labels={**TARGET, "job": "django", "severity": "ticket"},
            summary="orders (test): 1 of its instances cannot be scraped, since 00:07 UTC",
            description="For two minutes: down, overloaded, or refusing. Others of job django answer.",
            dashboard="observe-telemetry",
            logs=LINES,
            since=420,
        ),
    ),
    Case(
        alert="ScrapeFailing",
        title="one of two instances down for 105 s",
        series={UP: "1x40", SECOND: "1x19 0x20"},
        at=405,
    ),
    Case(
        alert="ScrapeFailing",
        title="20 instances are restarted one after another, 30 s each",
        series={
            series("up", instance=f"orders-{number}:8000"): f"1x{19 + 2 * number} 0 0 1x60"
            for number in range(20)
        },
        at=600,
    ),
    Case(
        alert="ScrapeFailing",
        title="a new instance needs 105 s to start",
        series={UP: "1x40", SECOND: "_x20 0x20"},
        at=405,
    ),
    Case(
        alert="ScrapeFailing",
        title="all instances down, which is another alert",
        series={UP: "0x60", SECOND: "0x60"},
        at=900,
    ),
)
_TRAFFIC = (
    Case(
        alert="TrafficStopped",
        title="300 requests in half an hour, then none",
        series={REQUESTS: "0+3x100 300x20"},
        at=1710,
        expected=Expected(
            labels={**TARGET, "severity": "page"},
            summary="orders (test): no request since 00:27 UTC, where there were many",
            description="In the half hour before, at least 300 came. The service answers scrapes.",
            logs=LINES,
            since=1620,
        ),
    ),
    Case(
        alert="TrafficStopped",
        title="299 requests in half an hour, then none",
        series={REQUESTS: "0+3x99 297 299x20"},
        at=1710,
    ),
    Case(
        alert="TrafficStopped",
        title="one request in the last minute",
        series={REQUESTS: "0+3x100 300x3 301x20"},
        at=1590,
    ),
)


def _unusable(title: str, entry: str, service: str = "orders", since: int = 0) -> Case:
    return Case(
        alert="ObjectiveUnusable",
        title=title,
        series={
            RESPONSES: "0+100x200",
            series("django_http_requests_latency_including_middlewares_seconds_bucket", le="1.0"): "0+1x200",
        },
        at=1200,
        objectives=entry,
        expected=Expected(
            labels={"service": service, "severity": "ticket"},
            summary=f"{service}: its entry in objectives.yml is not used, since 00:00 UTC",
            description="No such service, environment, objective or bucket, or a number not between 0 and 1.",
            dashboard="observe-slo",
            variables={"service": service},
            logs=f'{{service_name="{service}"}} | severity_text=~"ERROR|CRITICAL"',
            since=since,
        )
        if since >= 0
        else None,
    )


_UNUSABLE = (
    _unusable("a percentage", entry(RATIO, "99.9", "service: orders, slo: availability")),
    _unusable("no such service", entry(RATIO, "0.95", "service: order, slo: availability"), "order", since=0),
    _unusable("no such objective", entry(RATIO, "0.95", "service: orders, slo: speed")),
    _unusable("no such bucket", entry(THRESHOLD, "1", 'service: orders, le: "1"')),
    _unusable("an objective of 95 %", entry(RATIO, "0.95", "service: orders, slo: availability"), since=-1),
    _unusable("no such environment", entry(RATIO, "0.95", f"{LENIENT}, environment: prodution")),
    _unusable(
        "no such environment, for a bucket",
        entry(THRESHOLD, "1", 'service: orders, le: "1.0", environment: prodution'),
    ),
    _unusable(
        "an objective in this environment", entry(RATIO, "0.95", f"{LENIENT}, environment: test"), since=-1
    ),
    _unusable("a bucket there is", entry(THRESHOLD, "1", 'service: orders, le: "1.0"'), since=-1),
)
CASES = (*_ABSENT, *_TRAFFIC, *_UNUSABLE)
