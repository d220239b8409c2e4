"""What the dashboards ask about Celery: rate, failures, runtime and waiting of tasks."""

from __future__ import annotations

from typing import Final

from dashboards.grafana.variables import per_second, series
from dashboards.promql import error_ratio, max_by, quantile, rate, sum_by
from dashboards.scrape import ENVIRONMENT, SERVICE
from django_observe.taskmetricset import (
    QUEUE_LENGTH,
    TASK_FAILED,
    TASK_QUEUE_WAIT,
    TASK_RETRIED,
    TASK_RUNTIME,
    TASK_SUCCEEDED,
)
from django_observe.vocabulary import Label

NEVER_FAILED: Final = "no task has failed"
NEVER_RETRIED: Final = "no task has been retried"


def runs(*by: str) -> str:
    """Task runs per second, however they ended."""
    return sum_by(rate(series(TASK_RUNTIME.count)), *by)


def failure_ratio(*by: str) -> str:
    """The share of task runs that failed for good; 0 while none has."""
    return error_ratio(per_second(TASK_FAILED, *by), runs(*by))


def retry_ratio(*by: str) -> str:
    """The share of task runs that ended in a retry; 0 while none has."""
    return error_ratio(per_second(TASK_RETRIED, *by), runs(*by))


def success(*by: str) -> str:
    """Task runs per second that succeeded."""
    return per_second(TASK_SUCCEEDED, *by)


def backlog(*by: str) -> str:
    """Messages in the broker. Every worker of a queue tells the whole queue's length: one of them counts."""
    queues = max_by(series(QUEUE_LENGTH.name), ENVIRONMENT, SERVICE, Label.QUEUE_NAME)
    return sum_by(queues, *by)


def runtime(share: float, *by: str) -> str:
    """The `share` quantile of the time a task runs, in seconds."""
    return quantile(share, rate(series(TASK_RUNTIME.bucket)), *by)


def queue_wait(share: float, *by: str) -> str:
    """The `share` quantile of the seconds between publication and start of a task."""
    return quantile(share, rate(series(TASK_QUEUE_WAIT.bucket)), *by)
