"""Tells that a Celery task was sent, received or started, which most processes only count."""

from __future__ import annotations

from django_observe import metrics, reporting
from django_observe.records import TaskEvent
from django_observe.reporting import guard, report

UNKNOWN = "unknown"
_guard = guard("celery")


def tell(state: str, task: str, task_id: str, queue: str, hostname: str = UNKNOWN) -> None:
    """By a shortcut where only the metrics hear of it: saves 20k of a step's 25k instructions."""
    plain = type(task) is str and type(queue) is str and type(hostname) is str  # else they may have no hash
    count = reporting.shortcuts.get(("TaskEvent", state, task, hostname, queue)) if plain else None
    if count is not None:
        with _guard:
            count(1)
        return
    step = {"task": task, "task_id": task_id, "queue": queue, "hostname": hostname, "state": state}
    report(TaskEvent.of(step))
    if plain:
        metrics.shorten(TaskEvent, state, task, hostname, queue)
