"""Alerts on what a service calls over HTTP: causes, hence tickets; harm to users burns an error budget."""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.promql import eq, increase, like, max_by, over_time, quantile, rate, selector, sum_by
from dashboards.rules.annotations import CONCERNED, DURATION, SHARE, SINCE, WHO, value
from dashboards.rules.expressions import SERVICE_KEYS, earlier, growth, renamed
from dashboards.rules.pace import HOUR, MINUTE, SECOND, Pace
from dashboards.rules.presence import DEPENDENCY
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import FAILED_CALL
from django_observe.metricset import BREAKER_STATE, CLIENT_DURATION
from django_observe.vocabulary import Field, Label

FAILING_SHARE: Final = 0.1
"""Of five minutes' calls: a dependency that is gone for less than 30 s stays below it."""
MINIMUM_FAILED: Final = 5
SLOW_SECONDS: Final = 1
SLOWER: Final = 3
"""Times its own 95th percentile of the hour before: what is slow by nature is no news."""
MINIMUM_CALLS: Final = 20

_CALLED: Final = value(Label.SERVER_ADDRESS)
_CALL_KEYS: Final = (*SERVICE_KEYS, Label.SERVER_ADDRESS)
_HOST: Final = "([A-Za-z][^.:]*)([.]([^:]+[.])?(svc|internal|local))?(:[0-9]+)?"
"""The service in the name of a host of one's own: `auth`, `auth:8000`, `auth.shop.svc.cluster.local`.

Other hosts have none: `api.stripe.com` is not one's own service `api`.
"""
_SERVICE_LINES: Final = logql.stream(*CONCERNED)


def groups(pace: Pace) -> list[Group]:
    """Calls that fail, calls that take long, breakers that refuse them."""
    alerts = [_failing(pace), _slow(pace), _breaker(pace)]
    return [Group(name="dependencies", interval=pace(15 * SECOND), rules=alerts)]


def _failing(pace: Pace) -> Alert:
    no_success = selector(CLIENT_DURATION.count, like(Label.HTTP_RESPONSE_STATUS_CODE, FAILED_CALL))
    failed = growth(no_success, pace(5 * MINUTE), *_CALL_KEYS)
    calls = growth(CLIENT_DURATION.count, pace(5 * MINUTE), *_CALL_KEYS)
    return Alert(
        name="DependencyFailing",
        expr=renamed(
            f"{failed}\n/ {calls} > {FAILING_SHARE}\nand\n{failed} >= {MINIMUM_FAILED}",
            DEPENDENCY,
            Label.SERVER_ADDRESS,
            _HOST,
        ),
        severity="ticket",
        hold=pace(30 * SECOND),
        keys=_CALL_KEYS,
        summary=f"{WHO}: {SHARE} of calls to {_CALLED} fail, {SINCE}",
        description="Calls answered with 5xx or not at all, in the last five minutes.",
        dashboard=links.DEPENDENCIES,
        logs=logql.where(_SERVICE_LINES, like(logql.SEVERITY, f"WARNING|{logql.ERROR_LEVELS}")),
    )


def _slow(pace: Pace) -> Alert:
    buckets = CLIENT_DURATION.bucket
    now = quantile(0.95, rate(buckets, pace(5 * MINUTE)), *_CALL_KEYS)
    before = quantile(0.95, earlier("rate", buckets, pace(HOUR), pace(5 * MINUTE)), *_CALL_KEYS)
    calls = sum_by(increase(CLIENT_DURATION.count, pace(5 * MINUTE)), *_CALL_KEYS)
    conditions = (f"{now} > {SLOW_SECONDS}", f"{now} > {SLOWER} * {before}", f"{calls} >= {MINIMUM_CALLS}")
    return Alert(
        name="DependencySlow",
        expr=renamed("\nand\n".join(conditions), DEPENDENCY, Label.SERVER_ADDRESS, _HOST),
        severity="ticket",
        hold=pace(15 * SECOND),
        keys=_CALL_KEYS,
        summary=f"{WHO}: calls to {_CALLED} take {DURATION}, {SINCE}",
        description=f"The 95th percentile of five minutes; over {SLOWER} times that of the hour before.",
        dashboard=links.DEPENDENCIES,
        logs=logql.where(_SERVICE_LINES, f"{Field.HTTP_MS} > {SLOW_SECONDS * 1000}"),
    )


def _breaker(pace: Pace) -> Alert:
    """An open breaker lets one call through now and then: half open for a moment is still open."""
    keys = (*SERVICE_KEYS, Label.BREAKER)
    is_open = over_time("max", selector(BREAKER_STATE.name, eq(Label.STATE, "open")), pace(45 * SECOND))
    return Alert(
        name="CircuitBreakerOpen",
        expr=renamed(f"{max_by(is_open, *keys)} > 0", DEPENDENCY, Label.BREAKER, _HOST),
        severity="ticket",
        hold=pace(MINUTE),
        keys=keys,
        summary=f"{WHO}: circuit breaker {value(Label.BREAKER)} is open {SINCE}",
        description="Calls are refused without being tried, because too many failed.",
        dashboard=links.DEPENDENCIES,
        logs=logql.where(_SERVICE_LINES, like(logql.SEVERITY, f"WARNING|{logql.ERROR_LEVELS}")),
    )
