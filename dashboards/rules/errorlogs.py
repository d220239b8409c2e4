"""The alert that Loki's ruler evaluates: a service writes far more error lines than it used to.

Loki cannot be asked when an alert began: the summary says of which minutes it speaks, the link shows the last
hour, and Alertmanager's message adds since when.
"""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.promql import like, sum_by
from dashboards.rules.annotations import COUNT, WHO
from dashboards.rules.expressions import SERVICE_KEYS, earlier, renamed
from dashboards.rules.pace import HOUR, MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group

MINIMUM_LINES: Final = 10
MORE: Final = 5
"""Times the hour before."""

_KEYS: Final = (logql.SERVICE_NAME, logql.ENVIRONMENT_NAME)


def groups(pace: Pace) -> list[Group]:
    """Counted per service; five minutes against the hour before them."""
    lines = logql.errors(like(logql.SERVICE_NAME, ".+"))
    now = logql.count(lines, *_KEYS, window=pace(5 * MINUTE))
    counted = earlier("count_over_time", f"{lines} ", pace(HOUR), pace(5 * MINUTE))
    before = sum_by(counted, *_KEYS)
    usual = f"{MORE} * {before} / {HOUR // (5 * MINUTE)}"
    expr = f"{now} > {MINIMUM_LINES}\nunless\n{now} <= {usual}"
    for ours, theirs in zip(SERVICE_KEYS, _KEYS, strict=True):
        expr = renamed(expr, ours, theirs)
    alert = Alert(
        name="ErrorLogsRising",
        expr=sum_by(f"\n{expr}\n", *SERVICE_KEYS),
        severity="ticket",
        hold=pace(30 * SECOND),
        keys=SERVICE_KEYS,
        summary=f"{WHO}: {COUNT} error lines in the 5 minutes before this message",
        description=f"Lines of level ERROR or CRITICAL; over {MORE} times as many as in the hour before.",
        dashboard=links.SERVICE,
    )
    return [Group(name="error-logs", interval=pace(15 * SECOND), rules=[alert])]
