"""What the dashboards ask about spans: Jaeger's span metrics, which see only sampled traces."""

from __future__ import annotations

from dashboards.promql import eq, error_ratio, like, quantile, rate, selector, sum_by
from dashboards.scrape import (
    SPAN_CALLS,
    SPAN_DURATION_BUCKET,
    SPAN_ENVIRONMENT,
    SPAN_ERROR,
    SPAN_SERVICE,
    SPAN_STATUS,
)


def _series(name: str, *matchers: str) -> str:
    return selector(name, like(SPAN_ENVIRONMENT, "$environment"), like(SPAN_SERVICE, "$service"), *matchers)


def per_second(*by: str) -> str:
    """Spans per second."""
    return sum_by(rate(_series(SPAN_CALLS)), *by)


def failure_ratio(*by: str) -> str:
    """The share of spans whose status is an error; 0 while none is."""
    return error_ratio(sum_by(rate(_series(SPAN_CALLS, eq(SPAN_STATUS, SPAN_ERROR))), *by), per_second(*by))


def duration(share: float, *by: str) -> str:
    """The `share` quantile of how long spans last, in milliseconds."""
    return quantile(share, rate(_series(SPAN_DURATION_BUCKET)), *by)
