"""The metric families about tasks; imports neither Django nor prometheus_client.

Names and labels of Celery's are celery-exporter's: the dashboards written for it work unchanged.
"""

from __future__ import annotations

from typing import Final

from django_observe.vocabulary import LATENCY_BUCKETS, RUNTIME_BUCKETS, Label, Metric

_TASK = (Label.NAME, Label.HOSTNAME, Label.QUEUE_NAME)


def _task(name: str, help_text: str, *more: str) -> Metric:
    return Metric(f"celery_task_{name}", "counter", help_text, (*_TASK, *more))


TASK_SENT: Final = _task("sent_total", "Tasks published.")
TASK_RECEIVED: Final = _task("received_total", "Tasks a worker took from its queue.")
TASK_STARTED: Final = _task("started_total", "Task runs begun.")
TASK_SUCCEEDED: Final = _task("succeeded_total", "Task runs that succeeded.")
TASK_FAILED: Final = _task("failed_total", "Task runs that failed, by exception type.", Label.EXCEPTION)
TASK_REJECTED: Final = _task("rejected_total", "Tasks rejected by a worker or by their own code.")
TASK_REVOKED: Final = _task("revoked_total", "Tasks revoked or expired.")
TASK_RETRIED: Final = _task("retried_total", "Task runs that ended in a retry.")
TASK_RUNTIME: Final = Metric(
    "celery_task_runtime", "histogram", "Seconds a task ran, however it ended.", _TASK, RUNTIME_BUCKETS
)
TASK_QUEUE_WAIT: Final = Metric(
    "celery_task_queue_wait_time",
    "histogram",
    "Seconds between a task's publication and its start.",
    _TASK,
    LATENCY_BUCKETS,
)
WORKER_UP: Final = Metric("celery_worker_up", "gauge", "1: this worker answers scrapes.", (Label.HOSTNAME,))
WORKER_TASKS_ACTIVE: Final = Metric(
    "celery_worker_tasks_active", "gauge", "Tasks the worker runs right now.", (Label.HOSTNAME,)
)
QUEUE_LENGTH: Final = Metric(
    "celery_queue_length", "gauge", "Messages that wait in the broker's queue.", (Label.QUEUE_NAME,)
)
ACTIVE_CONSUMERS: Final = Metric(
    "celery_active_consumer_count", "gauge", "Consumers of the queue.", (Label.QUEUE_NAME,)
)
ACTIVE_WORKERS: Final = Metric(
    "celery_active_worker_count", "gauge", "Workers that consume from the queue.", (Label.QUEUE_NAME,)
)
ACTIVE_PROCESSES: Final = Metric(
    "celery_active_process_count",
    "gauge",
    "Processes or threads of the workers that consume from the queue.",
    (Label.QUEUE_NAME,),
)
DJANGO_TASK_RUNTIME: Final = Metric(
    "django_task_runtime_seconds",
    "histogram",
    "Seconds a background task of Django's ran, by how it ended.",
    (Label.NAME, Label.QUEUE_NAME, Label.STATE),
    RUNTIME_BUCKETS,
)
DJANGO_TASK_QUEUE_WAIT: Final = Metric(
    "django_task_queue_wait_seconds",
    "histogram",
    "Seconds between the enqueue of a background task of Django's, or the time it was due, and its start.",
    (Label.NAME, Label.QUEUE_NAME),
    LATENCY_BUCKETS,
)
TASK_FAMILIES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
