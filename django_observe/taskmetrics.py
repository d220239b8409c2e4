"""Metrics of tasks: Celery's in celery-exporter's names and labels, and those of Django's background tasks.

They are counted where tasks are sent and run. As with celery-exporter, a worker shows every count of a Celery
task from its first message on, as 0: a share of failures can then be told before anything has failed.
"""

from __future__ import annotations

from time import time

from django_observe.adders import Add
from django_observe.collectors import MAX_LABEL_SETS, counter_family, label_value, timer_family
from django_observe.directcounters import change_counter
from django_observe.records import TaskEvent, TaskRun
from django_observe.taskmetricset import (
    DJANGO_TASK_QUEUE_WAIT,
    DJANGO_TASK_RUNTIME,
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

_FAILURE, _SENT = "FAILURE", "SENT"


class TaskMetrics:
    """Counts task runs and task events; a run that its author ignored counts only as a runtime."""

    def __init__(self) -> None:
        self._by_event = {
            _SENT: counter_family(TASK_SENT),
            "RECEIVED": counter_family(TASK_RECEIVED),
            "STARTED": counter_family(TASK_STARTED),
            "REVOKED": counter_family(TASK_REVOKED),
            "REJECTED": counter_family(TASK_REJECTED),
        }
        self._by_outcome = {
            "SUCCESS": counter_family(TASK_SUCCEEDED),
            "RETRY": counter_family(TASK_RETRIED),
            "REJECTED": self._by_event["REJECTED"],
        }
        self._failed = counter_family(TASK_FAILED)
        self._runtime = timer_family(TASK_RUNTIME)
        self._queue_wait = timer_family(TASK_QUEUE_WAIT)
        self._shown: set[tuple[str, ...]] = set()

    def run(self, run: TaskRun) -> float:
        """Counts and times one run; returns the Unix time it was counted at."""
        now = time()
        labels = (run.task, run.hostname, run.queue)
        self._show(labels)
        outcome = self._by_outcome.get(run.state)
        if outcome is not None:
            outcome.bound(*labels)(1)
        elif run.state == _FAILURE:
            error = run.failure.type if run.failure is not None else LabelValue.OTHER
            self._failed.bound(*labels, error)(1)
        self._runtime.bound(*labels).time(run.seconds, run.trace, now)
        if run.queue_wait_seconds is not None:
            self._queue_wait.bound(*labels).time(run.queue_wait_seconds, run.trace, now)
        return now

    def event(self, event: TaskEvent) -> None:
        """Counts one event; states that no metric has are ignored."""
        counted = self._by_event.get(event.state)
        if counted is not None:
            task = event.task if event.registered else LabelValue.OTHER
            labels = (task, event.hostname, event.queue)
            if event.state != _SENT:
                self._show(labels)
            counted.bound(*labels)(1)

    def counter(self, state: str, *labels: str) -> Add | None:
        """What counts more events of a known task that has been counted; None where its labels are folded."""
        family = self._by_event.get(state)
        child = None if family is None else family.counted(*labels)
        return None if child is None else change_counter(child)

    def _show(self, labels: tuple[str, str, str]) -> None:
        if labels in self._shown or len(self._shown) >= MAX_LABEL_SETS:
            return
        self._shown.add(tuple(map(label_value, labels)))
        self._failed.child(*labels, "")  # to Prometheus an empty label is an absent one
        for state, counted in (*self._by_event.items(), *self._by_outcome.items()):
            if state != _SENT:
                counted.child(*labels)


class BackgroundTaskMetrics:
    """Times the runs of Django's own background tasks."""

    def __init__(self) -> None:
        self._runtime = timer_family(DJANGO_TASK_RUNTIME)
        self._queue_wait = timer_family(DJANGO_TASK_QUEUE_WAIT)

    def run(self, run: TaskRun) -> float:
        """Times one run; returns the Unix time it was counted at."""
        now = time()
        self._runtime.bound(run.task, run.queue, run.state).time(run.seconds, run.trace, now)
        if run.queue_wait_seconds is not None:
            self._queue_wait.bound(run.task, run.queue).time(run.queue_wait_seconds, run.trace, now)
        return now


class RunMetrics:
    """Counts and times runs under the names of the system that each is of, registered at its first."""

    def __init__(self) -> None:
        self._by_system: dict[str, TaskMetrics | BackgroundTaskMetrics] = {}

    def run(self, run: TaskRun) -> float:
        """Counts and times one run; returns the Unix time it was counted at."""
        counted = self._by_system.get(run.system)
        if counted is None:
            made = TaskMetrics() if run.system == "celery" else BackgroundTaskMetrics()
            counted = self._by_system[run.system] = made
        return counted.run(run)
