"""Recording rules: what objectives ask, what services deliver, and how much error budget is left.

Names as Sloth's (https://sloth.dev/), labels service, environment and slo. Unlike Sloth's, the long windows
weigh by requests: a failure at night counts as much as one at noon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from dashboards.promql import aggregate, eq, like, max_by, selector, sum_by
from dashboards.rules.expressions import SERVICE_KEYS, group_by, on
from dashboards.rules.pace import DAY, HOUR, MINUTE, SECOND, Pace
from dashboards.rules.rule import Group, Record
from dashboards.scrape import DJANGO_JOB, JOB, LE, SERVER_ERROR
from django_observe.metricset import HTTP_LATENCY_BEFORE, HTTP_RESPONSES_BY_STATUS
from django_observe.vocabulary import Label

SLO: Final = "slo"
AVAILABILITY: Final = "availability"
LATENCY: Final = "latency"
SLO_KEYS: Final = (*SERVICE_KEYS, SLO)

DEFAULT_OBJECTIVES: Final = {AVAILABILITY: 0.999, LATENCY: 0.99}
DEFAULT_THRESHOLD: Final = "0.5"
"""Seconds, as the histogram's bucket is exposed."""

OBJECTIVE_OVERRIDE: Final = "slo:objective_override:ratio"
THRESHOLD_OVERRIDE: Final = "slo:latency_override:le"
"""The two series that stack/prometheus/objectives.yml may make."""

THRESHOLD: Final = "slo:latency_threshold:le"
OBJECTIVE: Final = "slo:objective:ratio"
ERROR_BUDGET: Final = "slo:error_budget:ratio"
CURRENT_BURN_RATE: Final = "slo:current_burn_rate:ratio"
PERIOD_BURN_RATE: Final = "slo:period_burn_rate:ratio"
BUDGET_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
PERIOD_DAYS: Final = "slo:time_period:days"

INTERVAL: Final = 15 * SECOND
SHORT_WINDOWS: Final = {"1m": MINUTE, "5m": 5 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR}
"""Read from the counters themselves: pages depend on them."""
LONG_WINDOWS: Final = {"2h": 2 * HOUR, "6h": 6 * HOUR, "1d": DAY}
"""Summed up from the 5m series, which are few: a day of every bucket of every instance is not."""
LONGEST_WINDOWS: Final = {"3d": 3 * DAY, "30d": 30 * DAY}
"""The same, less often: with 500 services one evaluation reads 380 million samples."""
LONGEST_INTERVAL: Final = 4 * MINUTE
"""Under Prometheus' lookback of 5 minutes, beyond which a series counts as gone."""

REQUESTS: Final = selector(HTTP_RESPONSES_BY_STATUS.total, eq(JOB, DJANGO_JOB))
FAILED: Final = selector(
    HTTP_RESPONSES_BY_STATUS.total, eq(JOB, DJANGO_JOB), like(Label.STATUS, SERVER_ERROR)
)
TIMED: Final = selector(HTTP_LATENCY_BEFORE.count, eq(JOB, DJANGO_JOB))
BUCKETS: Final = selector(HTTP_LATENCY_BEFORE.bucket, eq(JOB, DJANGO_JOB))


def total(window: str) -> str:
    """The series of how many requests `window` saw."""
    return f"slo:sli_total:increase{window}"


def bad(window: str) -> str:
    """The series of how many of them failed, or were too slow."""
    return f"slo:sli_bad:increase{window}"


def error_ratio(window: str) -> str:
    """The series of the share that is bad; absent while there are no requests."""
    return f"slo:sli_error:ratio_rate{window}"


def groups(pace: Pace) -> list[Group]:
    """Everything that is recorded about objectives."""
    short, long, longest = _short(pace), _long(pace, LONG_WINDOWS), _long(pace, LONGEST_WINDOWS)
    slow = pace(LONGEST_INTERVAL)
    return [
        Group(name="slo-windows", interval=pace(INTERVAL), rules=[_threshold(), *short, *_objectives()]),
        Group(name="slo-long-windows", interval=pace(MINUTE), rules=list(long)),
        Group(name="slo-longest-windows", interval=slow, rules=[*longest, *_period()]),
    ]


def _threshold() -> Record:
    """Which bucket counts as fast: the service's own where it has one, in this environment or in all."""
    keys = (*SERVICE_KEYS, LE)
    buckets = group_by(BUCKETS, *keys)
    everywhere, here = f'{THRESHOLD_OVERRIDE}{{environment=""}}', f'{THRESHOLD_OVERRIDE}{{environment!=""}}'
    expr = (
        f"topk by ({', '.join(SERVICE_KEYS)}) (1,\n"
        f"  ({buckets} and {on(*keys)} {here})\n"
        f"  or {on(*SERVICE_KEYS)}\n"
        f"  ({buckets} and {on(Label.SERVICE, LE)} {everywhere})\n"
        f"  or {on(*SERVICE_KEYS)}\n"
        f"  {group_by(BUCKETS[:-1] + ',' + eq(LE, DEFAULT_THRESHOLD) + '}', *keys)}\n"
        ")"
    )
    return Record(name=THRESHOLD, expr=expr)


def _short(pace: Pace) -> Iterator[Record]:
    for window, seconds in SHORT_WINDOWS.items():
        length = pace(seconds)
        requests = sum_by(f"increase({REQUESTS}[{length}])", *SERVICE_KEYS)
        failed = sum_by(f"increase({FAILED}[{length}])", *SERVICE_KEYS)
        timed = sum_by(f"increase({TIMED}[{length}])", *SERVICE_KEYS)
        fast = f"increase({BUCKETS}[{length}])\n    and {on(*SERVICE_KEYS, LE)} {THRESHOLD}"
        slow = f"clamp_min(\n  {timed}\n  - sum by ({', '.join(SERVICE_KEYS)}) (\n    {fast}\n  ), 0)"
        yield Record(name=total(window), expr=requests, labels={SLO: AVAILABILITY})
        yield Record(name=bad(window), expr=f"{failed}\nor\n0 * {requests}", labels={SLO: AVAILABILITY})
        yield Record(name=total(window), expr=timed, labels={SLO: LATENCY})
        yield Record(name=bad(window), expr=slow, labels={SLO: LATENCY})
        yield _ratio(window)


def _long(pace: Pace, windows: Mapping[str, int]) -> Iterator[Record]:
    evaluations = SHORT_WINDOWS["5m"] // INTERVAL
    for window, seconds in windows.items():
        for name in (total, bad):
            expr = f"sum_over_time({name('5m')}[{pace(seconds)}]) / {evaluations}"
            yield Record(name=name(window), expr=expr)
        yield _ratio(window)


def _ratio(window: str) -> Record:
    return Record(name=error_ratio(window), expr=f"{bad(window)} / ({total(window)} > 0)")


def _objectives() -> Iterator[Record]:
    """The objective of every service that is there, and how fast it spends its budget now."""
    present = group_by(total("5m"), *SLO_KEYS)
    here = max_by(f'{OBJECTIVE_OVERRIDE}{{environment!=""}} > 0 < 1', *SLO_KEYS)
    everywhere = max_by(f'{OBJECTIVE_OVERRIDE}{{environment=""}} > 0 < 1', Label.SERVICE, SLO)
    choices = [
        f"{present} * {on(*SLO_KEYS)} {here}",
        f"{present} * {on(Label.SERVICE, SLO)} group_left () {everywhere}",
        *(
            f"{aggregate('group', selector(total('5m'), eq(SLO, slo)), *SLO_KEYS)} * {objective:g}"
            for slo, objective in DEFAULT_OBJECTIVES.items()
        ),
    ]
    yield Record(name=OBJECTIVE, expr="\nor\n".join(choices))
    yield Record(name=ERROR_BUDGET, expr=f"1 - {OBJECTIVE}")
    yield Record(name=CURRENT_BURN_RATE, expr=f"{error_ratio('5m')} / {ERROR_BUDGET}")


def _period() -> Iterator[Record]:
    """What the last 30 days have used up of the budget."""
    yield Record(name=PERIOD_DAYS, expr=f"0 * {OBJECTIVE} + 30")
    yield Record(name=PERIOD_BURN_RATE, expr=f"{error_ratio('30d')} / {ERROR_BUDGET}")
    yield Record(name=BUDGET_REMAINING, expr=f"1 - {PERIOD_BURN_RATE}")
