"""What the dashboards ask about requests: rate, errors, duration, and where the time goes."""

from __future__ import annotations

from typing import Final

from dashboards.grafana.variables import series
from dashboards.promql import aggregate, eq, error_ratio, like, quantile, rate, ratio, sum_by
from dashboards.scrape import DJANGO_JOB, ENVIRONMENT, FAILED_CALL, INSTANCE, JOB, SERVER_ERROR, SERVICE
from django_observe.metricset import (
    CLIENT_DURATION,
    DB_EXECUTE,
    DB_QUERY_DURATION,
    HTTP_LATENCY,
    HTTP_RESPONSES,
    INFO,
)
from django_observe.vocabulary import Label, Metric

CALL_ERRORS: Final = like(Label.HTTP_RESPONSE_STATUS_CODE, FAILED_CALL)
QUANTILES: Final = {"median": 0.5, "95th percentile": 0.95, "99th percentile": 0.99}
_WEB: Final = eq(JOB, DJANGO_JOB)
"""Requests are served by the web processes; a worker's queries are no request's."""


def requests(*by: str) -> str:
    """Answered requests per second."""
    return sum_by(rate(series(HTTP_RESPONSES.total)), *by)


def answers(status: str, *by: str) -> str:
    """Answers per second whose status matches the regular expression."""
    return sum_by(rate(series(HTTP_RESPONSES.total, like(Label.STATUS, status))), *by)


def failures(*by: str) -> str:
    """Requests per second that were answered with 500 or above."""
    return answers(SERVER_ERROR, *by)


def failure_ratio(*by: str) -> str:
    """The share of requests answered with 500 or above; 0 while there are none."""
    return error_ratio(failures(*by), requests(*by))


def failure_ratio_by_version() -> str:
    """The same, told apart by the version of the answering instance: one bad version among two stands out."""
    target = (SERVICE, ENVIRONMENT, INSTANCE)
    version = aggregate("topk", series(INFO.name, _WEB), *target, argument="1")

    def by_version(rates: str) -> str:
        joined = f"on ({', '.join(target)}) group_left ({Label.VERSION}) {version}"
        return sum_by(f"{sum_by(rates, *target)} * {joined}", Label.VERSION)

    failed = by_version(rate(series(HTTP_RESPONSES.total, like(Label.STATUS, SERVER_ERROR))))
    return error_ratio(failed, by_version(rate(series(HTTP_RESPONSES.total))))


def latency(share: float, *by: str) -> str:
    """The `share` quantile of the time to answer, in seconds."""
    return quantile(share, rate(series(HTTP_LATENCY.bucket)), *by)


def mean_latency(*by: str) -> str:
    """Seconds per request, on average."""
    return ratio(sum_by(rate(series(HTTP_LATENCY.sum)), *by), sum_by(rate(series(HTTP_LATENCY.count)), *by))


def per_request(metric: Metric, *by: str) -> str:
    """Seconds spent in `metric`'s calls per request."""
    return ratio(sum_by(rate(series(metric.sum, _WEB)), *by), sum_by(rate(series(HTTP_LATENCY.count)), *by))


def database_seconds(*by: str) -> str:
    """Seconds per request spent waiting for the database."""
    return per_request(DB_QUERY_DURATION, *by)


def outbound_seconds(*by: str) -> str:
    """Seconds per request spent waiting for other services."""
    return per_request(CLIENT_DURATION, *by)


def queries_per_request(*by: str) -> str:
    """Database statements per request."""
    statements = sum_by(rate(series(DB_EXECUTE.total, _WEB)), *by)
    return ratio(statements, sum_by(rate(series(HTTP_LATENCY.count)), *by))


def calls(*by: str) -> str:
    """Outbound HTTP requests per second."""
    return sum_by(rate(series(CLIENT_DURATION.count)), *by)


def failed_calls(*by: str) -> str:
    """Outbound HTTP requests per second that got 500 or above, or no answer."""
    return sum_by(rate(series(CLIENT_DURATION.count, CALL_ERRORS)), *by)


def call_latency(share: float, *by: str) -> str:
    """The `share` quantile of outbound HTTP requests, in seconds."""
    return quantile(share, rate(series(CLIENT_DURATION.bucket)), *by)
