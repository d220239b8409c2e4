"""One bad version among two, side by side or after one another."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, ramp, series


def _version(version: str, instance: str, share_bad: float, whole: float = 1000) -> dict[str, str]:
    responses = "django_http_responses_total_by_status_total"
    return {
        series("observe_info", version=version, instance=instance): "1x40",
        series(responses, status="200", instance=instance): ramp((whole * (1 - share_bad), 40)),
        series(responses, status="500", instance=instance): ramp((whole * share_bad, 40)),
    }


def _deployed(title: str, *, bad_before: float, bad_after: float, at: int, since: int = 0) -> Case:
    """Version 1.1 in place of 1.0 after five minutes, on an instance whose name stays."""
    responses, there = "django_http_responses_total_by_status_total", {"instance": "b:8000"}
    told = Expected(
        labels={**TARGET, "version": "1.1", "severity": "ticket"},
        summary="orders (test): version 1.1 fails 30% of its requests, since 00:05 UTC",
        description="At least 3 times the share of the best other version that runs beside it.",
        logs=f'{LINES} | severity_text=~"ERROR|CRITICAL" | service_version="1.1"',
        since=since,
    )
    given = {
        series("observe_info", version="1.0", **there): "1x19 stale",
        series("observe_info", version="1.1", **there): "_x20 1x40",
    }
    for status, before, after in (
        ("200", 1 - bad_before, 1 - bad_after),
        ("500", bad_before, bad_after),
    ):
        values = f"0+{50 * before:g}x19 0+{50 * after:g}x40" if after else f"0+{50 * before:g}x19 stale"
        given[series(responses, status=status, **there)] = values
    return Case(
        alert="BadVersion",
        title=title,
        series={**_version("0.9", "a:8000", 0), **given},
        at=at,
        expected=told if since else None,
    )


_VERSIONS = (
    Case(
        alert="BadVersion",
        title="6 % against 1 %",
        series={**_version("1.0", "a:8000", 0.01), **_version("1.1", "b:8000", 0.06)},
        at=300,
        expected=Expected(
            labels={**TARGET, "version": "1.1", "severity": "ticket"},
            summary="orders (test): version 1.1 fails 6% of its requests, since 00:00 UTC",
            description="At least 3 times the share of the best other version that runs beside it.",
            logs=f'{LINES} | severity_text=~"ERROR|CRITICAL" | service_version="1.1"',
            since=15,
        ),
    ),
    Case(
        alert="BadVersion",
        title="4 % against none",
        series={**_version("1.0", "a:8000", 0), **_version("1.1", "b:8000", 0.04)},
        at=300,
    ),
    Case(
        alert="BadVersion",
        title="30 % against 15 %: both are bad",
        series={**_version("1.0", "a:8000", 0.15), **_version("1.1", "b:8000", 0.3)},
        at=300,
    ),
    _deployed(
        "a bad one after a good one, beside a good one", bad_before=0, bad_after=0.3, at=420, since=315
    ),
    _deployed("a good one after a bad one, beside a good one", bad_before=0.3, bad_after=0, at=345),
    Case(alert="BadVersion", title="the only version", series=_version("1.0", "a:8000", 0.5), at=300),
)
CASES = _VERSIONS
