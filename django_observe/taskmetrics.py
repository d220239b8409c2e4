"""Celery metrics in celery-exporter's names and labels, counted where tasks are sent and run."""

from __future__ import annotations

from time import time

from django_observe.collectors import Family, Timer, family
from django_observe.metricset import (
    TASK_FAILED,
    TASK_QUEUE_WAIT,
    TASK_RECEIVED,
    TASK_REJECTED,
    TASK_RETRIED,
    TASK_REVOKED,
    TASK_RUNTIME,
    TASK_SENT,
    TASK_STARTED,
    TASK_SUCCEEDED,
)
from django_observe.records import TaskEvent, TaskRun
from django_observe.vocabulary import LabelValue, Metric

_BY_EVENT = {
    "SENT": TASK_SENT,
    "RECEIVED": TASK_RECEIVED,
    "STARTED": TASK_STARTED,
    "REVOKED": TASK_REVOKED,
    "REJECTED": TASK_REJECTED,
}
_BY_OUTCOME = {"SUCCESS": TASK_SUCCEEDED, "RETRY": TASK_RETRIED, "REJECTED": TASK_REJECTED}
_FAILURE = "FAILURE"


class TaskMetrics:
    """Counts task runs and task events. A run that was ignored counts only as a runtime, as its author asked."""

    def __init__(self) -> None:
        self._families: dict[Metric, Family] = {}
        self._timers: dict[tuple[Metric, int], Timer] = {}

    def run(self, run: TaskRun) -> float:
        """Counts and times one run; returns the Unix time it was counted at."""
        now = time()
        labels = (run.task, run.hostname, run.queue)
        if run.state == _FAILURE:
            error = run.failure.type if run.failure is not None else LabelValue.OTHER
            self._family(TASK_FAILED).child(*labels, error).inc()
        elif run.state in _BY_OUTCOME:
            self._family(_BY_OUTCOME[run.state]).child(*labels).inc()
        self._timer(TASK_RUNTIME, labels).time(run.seconds, run.trace, now)
        if run.queue_wait_seconds is not None:
            self._timer(TASK_QUEUE_WAIT, labels).time(run.queue_wait_seconds, run.trace, now)
        return now

    def event(self, event: TaskEvent) -> None:
        """Counts one event; states that no metric has are ignored."""
        metric = _BY_EVENT.get(event.state)
        if metric is not None:
            self._family(metric).child(event.task, event.hostname, event.queue).inc()

    def _family(self, metric: Metric) -> Family:
        found = self._families.get(metric)
        if found is None:
            found = self._families[metric] = family(metric)
        return found

    def _timer(self, metric: Metric, labels: tuple[str, ...]) -> Timer:
        child = self._family(metric).child(*labels)
        key = (metric, id(child))  # children live as long as the process
        return self._timers.get(key) or self._timers.setdefault(key, Timer(child))
