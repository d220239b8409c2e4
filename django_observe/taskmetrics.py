"""Celery metrics in celery-exporter's names and labels, counted where tasks are sent and run."""

from __future__ import annotations

from time import time

from django_observe.collectors import family, timer_family
from django_observe.records import TaskEvent, TaskRun
from django_observe.taskmetricset import (
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
from django_observe.vocabulary import LabelValue

_FAILURE = "FAILURE"


class TaskMetrics:
    """Counts task runs and task events; a run that its author ignored counts only as a runtime."""

    def __init__(self) -> None:
        self._by_event = {
            "SENT": family(TASK_SENT),
            "RECEIVED": family(TASK_RECEIVED),
            "STARTED": family(TASK_STARTED),
            "REVOKED": family(TASK_REVOKED),
            "REJECTED": family(TASK_REJECTED),
        }
        self._by_outcome = {
            "SUCCESS": family(TASK_SUCCEEDED),
            "RETRY": family(TASK_RETRIED),
            "REJECTED": self._by_event["REJECTED"],
        }
        self._failed = family(TASK_FAILED)
        self._runtime = timer_family(TASK_RUNTIME)
        self._queue_wait = timer_family(TASK_QUEUE_WAIT)

    def run(self, run: TaskRun) -> float:
        """Counts and times one run; returns the Unix time it was counted at."""
        now = time()
        labels = (run.task, run.hostname, run.queue)
        outcome = self._by_outcome.get(run.state)
        if outcome is not None:
            outcome.child(*labels).inc()
        elif run.state == _FAILURE:
            error = run.failure.type if run.failure is not None else LabelValue.OTHER
            self._failed.child(*labels, error).inc()
        self._runtime.timer(*labels).time(run.seconds, run.trace, now)
        if run.queue_wait_seconds is not None:
            self._queue_wait.timer(*labels).time(run.queue_wait_seconds, run.trace, now)
        return now

    def event(self, event: TaskEvent) -> None:
        """Counts one event; states that no metric has are ignored."""
        counted = self._by_event.get(event.state)
        if counted is not None:
            counted.child(event.task, event.hostname, event.queue).inc()
