"""One bad version among several: the share of failed requests by the version that answered them."""

from __future__ import annotations

from typing import Final

from dashboards import logql
from dashboards.promql import aggregate, count_by, eq, increase, min_by, selector, sum_by
from dashboards.rules.annotations import CONCERNED, SHARE, SINCE, WHO, encoded_value, value
from dashboards.rules.expressions import SERVICE_KEYS, on
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group, Record
from dashboards.rules.slo import FAILED, REQUESTS
from dashboards.scrape import DJANGO_JOB, INSTANCE, JOB
from django_observe.metricset import INFO
from django_observe.vocabulary import Label

TOTAL: Final = "service_version:sli_total:increase5m"
BAD: Final = "service_version:sli_bad:increase5m"
ERROR_RATIO: Final = "service_version:sli_error:ratio_rate5m"

FAILING_SHARE: Final = 0.05
MINIMUM_BAD: Final = 10
WORSE: Final = 3
"""Times the best version of the same service."""

SERVICE_VERSION: Final = "service_version"
"""Loki's name for the resource attribute service.version, which is structured metadata."""

_VERSION: Final = value(Label.VERSION)
_KEYS: Final = (*SERVICE_KEYS, Label.VERSION)
_TARGET: Final = (*SERVICE_KEYS, INSTANCE)


def recording(pace: Pace) -> list[Group]:
    """Requests and failures by version."""
    rules = [
        Record(name=TOTAL, expr=_by_version(REQUESTS, pace)),
        Record(name=BAD, expr=f"{_by_version(FAILED, pace)}\nor\n0 * {TOTAL}"),
        Record(name=ERROR_RATIO, expr=f"{BAD} / ({TOTAL} > 0)"),
    ]
    return [Group(name="version-windows", interval=pace(15 * SECOND), rules=rules)]


def _by_version(requests: str, pace: Pace) -> str:
    info = aggregate("topk", selector(INFO.name, eq(JOB, DJANGO_JOB)), *_TARGET, argument="1")
    counted = sum_by(_since_restart(requests, pace(5 * MINUTE)), *_TARGET)
    return f"sum by ({', '.join(_KEYS)}) (\n  {counted}\n  * {on(*_TARGET)} group_left (version)\n  {info}\n)"


def _since_restart(requests: str, window: str) -> str:
    """By how much counters grew within `window`, under the version that now runs on the instance.

    A deployment under the same name starts them at 0: they are then less than what the old and the new
    version counted together. What the new one has not counted yet is not its own.
    """
    counted = increase(requests, window)
    return f"({requests} < {counted}) or ({counted} and {requests})"


def groups(pace: Pace) -> list[Group]:
    """The alert."""
    best = min_by(ERROR_RATIO, *SERVICE_KEYS)
    several = f"{count_by(ERROR_RATIO, *SERVICE_KEYS)} > 1"
    matching = on(*SERVICE_KEYS)
    alert = Alert(
        name="BadVersion",
        expr=(
            f"{ERROR_RATIO} > {FAILING_SHARE}\nand\n"
            f"{ERROR_RATIO} > {matching} group_left () {WORSE} * {best}\nand\n"
            f"{BAD} >= {MINIMUM_BAD}\nand {matching}\n{several}"
        ),
        severity="ticket",
        keys=_KEYS,
        summary=f"{WHO}: version {_VERSION} fails {SHARE} of its requests, {SINCE}",
        description=f"At least {WORSE} times the share of the best other version that runs beside it.",
        logs=logql.where(
            logql.errors(*CONCERNED),
            eq(SERVICE_VERSION, encoded_value(Label.VERSION)),
        ),
    )
    return [Group(name="versions", interval=pace(15 * SECOND), rules=[alert])]
