"""Error budgets: each pair of windows fires above its factor and is quiet just below it."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, ramp, series

RESPONSES = "django_http_responses_total_by_status_total"
LATENCY = "django_http_requests_latency_including_middlewares_seconds"
PAGED = "the error budget burns at least 6 times too fast; what should last 30 days lasts 5 at most."
TICKETED = "the error budget burns faster than the objective allows and will not last 30 days."
MINUTE, HOUR = 60, 3600
PER_STEP = 10_000
MANY = 1_600
"""Steps; more than any case looks at."""


def answers(share_bad: float, clean_steps: int = 0, bad_steps: int = MANY, **who: str) -> dict[str, str]:
    """Responses of a service: this share of them a 500 for so many steps, none before and after."""
    bad = PER_STEP * share_bad
    before = [(PER_STEP, 0, clean_steps)] if clean_steps else []
    steps = (*before, (PER_STEP - bad, bad, bad_steps), (PER_STEP, 0, MANY))
    return {
        series(RESPONSES, status="200", **who): ramp(*((good, times) for good, _, times in steps)),
        series(RESPONSES, status="500", **who): ramp(*((bad, times) for _, bad, times in steps)),
    }


def timings(
    share_slow: float, quick_steps: int = 0, slow_steps: int = MANY, over_a_second: float = 0
) -> dict[str, str]:
    """Durations of a service: for so many steps this share over half a second, and that over one."""
    buckets = {"0.5": 1 - share_slow, "1.0": 1 - over_a_second, "+Inf": 1}
    quick = [(PER_STEP, quick_steps)] if quick_steps else []
    return {
        series(f"{LATENCY}_count"): ramp((PER_STEP, 2 * MANY)),
        **{
            series(f"{LATENCY}_bucket", le=le): ramp(*quick, (PER_STEP * share, slow_steps), (PER_STEP, MANY))
            for le, share in buckets.items()
        },
    }


def errors_expected(severity: str, share: str, spent: str, since: int, clock: str) -> Expected:
    """The alert on availability."""
    rate = PAGED if severity == "page" else TICKETED
    return Expected(
        labels={**TARGET, "slo": "availability", "severity": severity},
        summary=f"orders (test): {share} of requests fail, since {clock} UTC",
        description=f"Answers with status 5xx: {rate} {spent}% of the 30-day error budget is spent.",
        since=since,
    )


def slowness_expected(
    severity: str, share: str, spent: str, since: int, clock: str, *, threshold_ms: int = 500
) -> Expected:
    """The alert on latency; its log lines are those over the threshold."""
    rate = PAGED if severity == "page" else TICKETED
    return Expected(
        labels={**TARGET, "slo": "latency", "severity": severity},
        summary=f"orders (test): {share} of requests are too slow, since {clock} UTC",
        description=f"Answers slower than the objective's threshold: {rate} "
        f"{spent}% of the 30-day error budget is spent.",
        logs=f"{LINES} | duration_ms > {threshold_ms}",
        since=since,
    )


def _pairs() -> tuple[Case, ...]:
    """Steady shares, at times at which only the pair in question can be meant; budgets are 0.1 % and 1 %."""
    cases = []
    for pair, severity, factor, at, since, clock in (
        ("1h and 5m", "page", 14.4, 50 * MINUTE, 150, "00:02"),
        ("6h and 30m", "page", 6, 2 * HOUR, HOUR + 150, "01:02"),
        ("1d and 2h", "ticket", 3, 8 * HOUR, 6 * HOUR + 150, "06:02"),
        ("3d and 6h", "ticket", 1, 26 * HOUR, 24 * HOUR + 150, "00:02"),
    ):
        for name, budget, load, expected in (
            ("ErrorBudgetBurn", 0.001, answers, errors_expected),
            ("LatencyBudgetBurn", 0.01, timings, slowness_expected),
        ):
            for burn in (factor * 1.01, factor * 0.99):
                share, fires = burn * budget, burn > factor
                told = expected(severity, f"{100 * share:.4g}%", f"{100 * burn:.0f}", since, clock)
                cases.append(
                    Case(
                        alert=name,
                        title=f"{pair}, burn rate {burn:g} against {factor:g}",
                        series=load(share),
                        step=60,
                        evaluation=150,
                        at=at,
                        expected=told if fires else None,
                    )
                )
    return tuple(cases)


def _over() -> tuple[Case, ...]:
    """The long window still exceeds its factor, but the short one is clean again: it is over."""
    cases = []
    for pair, share, at, clean in (
        ("6h and 30m", 10, 3 * HOUR, 40 * MINUTE),
        ("1d and 2h", 6, 10 * HOUR, 150 * MINUTE),
        ("3d and 6h", 2.5, 32 * HOUR, 7 * HOUR),
    ):
        bad_steps = (at - clean) // 60
        for name, given in (
            ("ErrorBudgetBurn", answers(share * 0.001, bad_steps=bad_steps)),
            ("LatencyBudgetBurn", timings(share * 0.01, slow_steps=bad_steps)),
        ):
            title = f"{pair}, over for {clean // 60} minutes"
            cases.append(Case(alert=name, title=title, series=given, step=60, evaluation=150, at=at))
    return tuple(cases)


def _one_of_three() -> Case:
    """The same service elsewhere, and another one beside it, are well."""
    return Case(
        alert="ErrorBudgetBurn",
        title="31 % errors of one service in one environment, two others are well",
        series={
            **answers(0.31, 240),
            **answers(0, environment="staging"),
            **answers(0, service="auth", instance="auth:8000"),
        },
        at=HOUR + 75,
        expected=errors_expected("page", "31%", "99", HOUR + 60, "01:01"),
    )


def _fast() -> tuple[Case, ...]:
    """After an hour of health: too early, and in time; by the pair of 5m and 1m."""
    after_a_minute = errors_expected("page", "31%", "99", HOUR + 60, "01:01")
    after_two = slowness_expected("page", "62%", "47", HOUR + 105, "01:01")
    return (
        Case(alert="ErrorBudgetBurn", title="31 % errors for 45 s", series=answers(0.31, 240), at=HOUR + 45),
        Case(
            alert="ErrorBudgetBurn",
            title="31 % errors for 75 s",
            series=answers(0.31, 240),
            at=HOUR + 75,
            expected=after_a_minute,
        ),
        Case(alert="LatencyBudgetBurn", title="62 % slow for 90 s", series=timings(0.62, 240), at=HOUR + 90),
        Case(
            alert="LatencyBudgetBurn",
            title="62 % slow for 120 s",
            series=timings(0.62, 240),
            at=HOUR + 120,
            expected=after_two,
        ),
        Case(
            alert="ErrorBudgetBurn",
            title="the errors ended six minutes ago",
            series={
                series(RESPONSES, status="200"): ramp((700, 40), (1000, 60)),
                series(RESPONSES, status="500"): ramp((300, 40), (0, 60)),
            },
            at=64 * 15,
        ),
    )


def _floor() -> tuple[Case, ...]:
    """A service that hardly anybody uses: one request in four minutes, every fifth fails."""
    rare = {
        series(RESPONSES, status="200"): ramp(
            *[(1, 1), (0, 15)] * 4, (0, 1), (0, 15), *[(1, 1), (0, 15)] * 3
        ),
        series(RESPONSES, status="500"): ramp((0, 64), (1, 1), (0, 60)),
    }
    return (
        Case(alert="ErrorBudgetBurn", title="one failure among nine requests", series=rare, at=90 * 15),
        Case(
            alert="ErrorBudgetBurn",
            title="nine failures, all requests there were",
            series={series(RESPONSES, status="500"): ramp((0, 10), (1, 9), (0, 20))},
            at=20 * 15,
        ),
        Case(
            alert="ErrorBudgetBurn",
            title="ten failures, all requests there were",
            series={series(RESPONSES, status="500"): ramp((0, 10), (1, 10), (0, 20))},
            at=20 * 15,
            expected=errors_expected("page", "100%", "100000", 20 * 15, "00:05"),
        ),
    )


CASES = (*_pairs(), *_over(), *_fast(), _one_of_three(), *_floor())
