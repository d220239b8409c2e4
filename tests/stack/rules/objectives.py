"""What objectives.yml says is honoured, and nothing has to be generated anew."""

from __future__ import annotations

from tests.stack.rules.budgets import HOUR, answers, errors_expected, slowness_expected, timings
from tests.stack.rules.case import Case

RATIO, THRESHOLD = "slo:objective_override:ratio", "slo:latency_override:le"


def entry(record: str, expr: str, labels: str) -> str:
    """An objectives.yml with one entry."""
    rule = f"{{record: '{record}', expr: '{expr}', labels: {{{labels}}}}}"
    return f"groups: [{{name: objectives, rules: [{rule}]}}]"


def _errors(title: str, share: float, objectives: str, spent: str = "") -> Case:
    told = errors_expected("page", f"{100 * share:g}%", spent, 60, "00:01") if spent else None
    return Case(
        alert="ErrorBudgetBurn",
        title=title,
        series=answers(share),
        step=60,
        evaluation=60,
        at=1800,
        objectives=objectives,
        expected=told,
    )


def _slowness(
    title: str, half: float, one: float, objectives: str, spent: str = "", *, threshold_ms: int = 500
) -> Case:
    told = None
    if spent:
        told = slowness_expected("page", f"{100 * one:g}%", spent, 60, "00:01", threshold_ms=threshold_ms)
    return Case(
        alert="LatencyBudgetBurn",
        title=title,
        series=timings(half, over_a_second=one),
        step=60,
        evaluation=60,
        at=1800,
        objectives=objectives,
        expected=told,
    )


LENIENT = "service: orders, slo: availability"
CASES = (
    _errors("2 % of errors where 95 % is the objective", 0.02, entry(RATIO, "0.95", LENIENT)),
    _errors("2 % of errors, 95 % for another service", 0.02, entry(RATIO, "0.95", LENIENT + "x"), "2000"),
    _errors(
        "2 % of errors, 95 % in this environment", 0.02, entry(RATIO, "0.95", LENIENT + ", environment: test")
    ),
    _errors(
        "2 % of errors, 95 % in another environment",
        0.02,
        entry(RATIO, "0.95", LENIENT + ", environment: staging"),
        "2000",
    ),
    _errors("0.2 % of errors where 99.99 % is the objective", 0.002, entry(RATIO, "0.9999", LENIENT), "2000"),
    Case(
        alert="LatencyBudgetBurn",
        title="nine tenths over 0.5 s for 4.5 min where 95 % is the objective",
        series=timings(0.9, 240),
        at=HOUR + 270,
        objectives=entry(RATIO, "0.95", "service: orders, slo: latency"),
        expected=slowness_expected("page", "90%", "62", HOUR + 255, "01:04"),
    ),
    _slowness(
        "seven tenths over 0.5 s where 90 % is the objective",
        0.7,
        0.7,
        entry(RATIO, "0.9", "service: orders, slo: latency"),
    ),
    _slowness(
        "half over 0.5 s, none over the threshold of 1 s",
        0.5,
        0,
        entry(THRESHOLD, "1", 'service: orders, le: "1.0"'),
    ),
    _slowness(
        "half over 0.5 s, a fifth over the threshold of 1 s",
        0.5,
        0.2,
        entry(THRESHOLD, "1", 'service: orders, le: "1.0"'),
        "2000",
        threshold_ms=1000,
    ),
    _slowness(
        "half over 0.5 s; no such bucket, so this counts",
        0.5,
        0.5,
        entry(THRESHOLD, "1", 'service: orders, le: "7"'),
        "5000",
    ),
)
