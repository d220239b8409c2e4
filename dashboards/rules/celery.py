"""Alerts on Celery: tasks that fail or wait, queues that fill, workers that are gone."""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.promql import eq, increase, max_by, quantile, rate, sum_by
from dashboards.rules.annotations import CONCERNED, COUNT, DURATION, SHARE, SINCE, WHO, encoded_value, value
from dashboards.rules.expressions import SERVICE_KEYS, group_by, growth, on
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.presence import ALL_LINES, gone
from dashboards.rules.rule import Alert, Group
from dashboards.scrape import CELERY_JOB, ENVIRONMENT, INSTANCE, JOB
from django_observe.taskmetricset import (
    ACTIVE_PROCESSES,
    ACTIVE_WORKERS,
    QUEUE_LENGTH,
    TASK_FAILED,
    TASK_QUEUE_WAIT,
    TASK_RECEIVED,
    TASK_RETRIED,
    TASK_RUNTIME,
    TASK_SENT,
    WORKER_TASKS_ACTIVE,
)
from django_observe.vocabulary import Field, Label

FAILED_SHARE: Final = 0.05
"""As celery-mixin's CeleryTaskHighFailRate."""
MINIMUM_FAILED: Final = 3
RETRIED_SHARE: Final = 0.25
MINIMUM_RETRIED: Final = 10
WAIT_SECONDS: Final = 10
MINIMUM_STARTED: Final = 5
BACKLOG: Final = 50
MINIMUM_SENT: Final = 5

_TASK: Final = value(Label.NAME)
_QUEUE: Final = value(Label.QUEUE_NAME)
_TASK_KEYS: Final = (*SERVICE_KEYS, Label.NAME)
_QUEUE_KEYS: Final = (*SERVICE_KEYS, Label.QUEUE_NAME)
_RUNS: Final = logql.tasks(logql.stream(*CONCERNED))
_TASK_RUNS: Final = logql.where(_RUNS, eq(Field.TASK, encoded_value(Label.NAME)))
_QUEUE_RUNS: Final = logql.where(_RUNS, eq(Field.QUEUE, encoded_value(Label.QUEUE_NAME)))


def groups(pace: Pace) -> list[Group]:
    """Tasks, queues, workers."""
    alerts = [_failing(pace), _retrying(pace), _waiting(pace), _backlog(pace), _absent(pace), _stalled(pace)]
    return [Group(name="celery", interval=pace(15 * SECOND), rules=alerts)]


def _share(pace: Pace, counter: str, share: float, minimum: int) -> str:
    window = pace(5 * MINUTE)
    part = growth(counter, window, *_TASK_KEYS)
    runs = growth(TASK_RUNTIME.count, window, *_TASK_KEYS)
    return f"{part}\n/ {runs} > {share}\nand\n{part} >= {minimum}"


def _failing(pace: Pace) -> Alert:
    return Alert(
        name="CeleryTaskFailures",
        expr=_share(pace, TASK_FAILED.total, FAILED_SHARE, MINIMUM_FAILED),
        severity="ticket",
        keys=_TASK_KEYS,
        summary=f"{WHO}: {SHARE} of runs of task {_TASK} fail, {SINCE}",
        description="Runs of the last five minutes that ended in an exception, retries not counted.",
        dashboard=links.CELERY,
        logs=logql.where(_TASK_RUNS, eq(Field.STATE, "FAILURE")),
    )


def _retrying(pace: Pace) -> Alert:
    return Alert(
        name="CeleryRetryStorm",
        expr=_share(pace, TASK_RETRIED.total, RETRIED_SHARE, MINIMUM_RETRIED),
        severity="ticket",
        keys=_TASK_KEYS,
        summary=f"{WHO}: {SHARE} of runs of task {_TASK} end in a retry, {SINCE}",
        description="What the task depends on fails; each retry adds to the queue.",
        dashboard=links.CELERY,
        logs=logql.where(_TASK_RUNS, eq(Field.STATE, "RETRY")),
    )


def _waiting(pace: Pace) -> Alert:
    window = pace(5 * MINUTE)
    started = sum_by(increase(TASK_QUEUE_WAIT.count, window), *_QUEUE_KEYS)
    wait = quantile(0.95, rate(TASK_QUEUE_WAIT.bucket, window), *_QUEUE_KEYS)
    return Alert(
        name="CeleryQueueWaitLong",
        expr=f"{wait} > {WAIT_SECONDS}\nand\n{started} >= {MINIMUM_STARTED}",
        severity="ticket",
        hold=pace(30 * SECOND),
        keys=_QUEUE_KEYS,
        summary=f"{WHO}: tasks wait {DURATION} in queue {_QUEUE}, {SINCE}",
        description="The 95th percentile, over five minutes, of the time from publication to start.",
        dashboard=links.CELERY,
        logs=logql.where(_QUEUE_RUNS, f"{Field.QUEUE_WAIT_MS} > {WAIT_SECONDS * 1000}"),
    )


def _backlog(pace: Pace) -> Alert:
    """Longer than 45 s before, for 45 s: a batch queued at once, which then shrinks, is quiet."""
    length = max_by(QUEUE_LENGTH.name, *_QUEUE_KEYS)
    before = max_by(f"{QUEUE_LENGTH.name} offset {pace(45 * SECOND)}", *_QUEUE_KEYS)
    return Alert(
        name="CeleryBacklogGrowing",
        expr=f"{length} > {BACKLOG}\nand\n{length} > {before}",
        severity="ticket",
        hold=pace(45 * SECOND),
        keys=_QUEUE_KEYS,
        summary=f"{WHO}: {COUNT} tasks wait in queue {_QUEUE}, growing {SINCE}",
        description="Tasks are published faster than the workers finish them.",
        dashboard=links.CELERY,
        logs=_QUEUE_RUNS,
    )


def _absent(pace: Pace) -> Alert:
    return Alert(
        name="CeleryWorkerAbsent",
        expr=gone(pace, CELERY_JOB),
        severity="page",
        hold=pace(MINUTE),
        keys=SERVICE_KEYS,
        summary=f"{WHO}: no Celery worker answers {SINCE}",
        description="Its tasks stay in the queue until a worker is back.",
        dashboard=links.CELERY,
        logs=ALL_LINES,
    )


def _stalled(pace: Pace) -> Alert:
    """A worker is there and takes nothing: stuck, or cut off from the broker.

    The default queue's name is the same everywhere, though not the queue: where a service sends to a queue
    that it consumes, both ends are its own. Where it does not, others that only send to it are meant. `for`:
    when tasks end, the senders' page tells of the last ones for up to two scrapes longer than the worker's.
    """
    window = pace(5 * MINUTE)
    idle, sent = _idle(window), growth(TASK_SENT.total, window, *_QUEUE_KEYS)
    foreign = f"({sent} unless {on(*_QUEUE_KEYS)} {group_by(ACTIVE_WORKERS.name, *_QUEUE_KEYS)})"
    among = (ENVIRONMENT, Label.QUEUE_NAME)
    own = (
        f"({sent} >= {MINIMUM_SENT} and {on(*_QUEUE_KEYS)} {idle})\nunless {_received(window, *_QUEUE_KEYS)}"
    )
    others = (
        f"({idle} unless {on(*_QUEUE_KEYS)} {sent} > 0)\n"
        f"* {on(*among)} group_left ()\n({sum_by(foreign, *among)} >= {MINIMUM_SENT})\n"
        f"unless {_received(window, *among)}"
    )
    return Alert(
        name="CeleryQueueStalled",
        expr=f"({own})\nor\n({others})",
        severity="page",
        hold=pace(MINUTE),
        keys=_QUEUE_KEYS,
        summary=f"{WHO}: takes none of {COUNT} tasks sent to queue {_QUEUE}, {SINCE}",
        description="Tasks sent within five minutes; a worker consumes the queue and received nothing.",
        dashboard=links.CELERY,
        logs=ALL_LINES,
    )


def _idle(window: str) -> str:
    """Queues with a worker that has a slot free and finishes nothing: a busy one is well."""
    target = (JOB, INSTANCE)
    slots = max_by(ACTIVE_PROCESSES.name, *target)
    full = f"{sum_by(WORKER_TASKS_ACTIVE.name, *target)} >= {slots}"
    finishing = f"{sum_by(increase(TASK_RUNTIME.count, window), *target)} > 0"
    consumers = f"({ACTIVE_WORKERS.name} > 0) unless {on(*target)} ({full} or {finishing})"
    return group_by(consumers, *_QUEUE_KEYS)


def _received(window: str, *keys: str) -> str:
    """Those queues from which a worker took a task; a worker's first one makes the series."""
    first = group_by(f"{TASK_RECEIVED.total} unless {TASK_RECEIVED.total} offset {window}", *keys)
    return f"{on(*keys)} ({sum_by(increase(TASK_RECEIVED.total, window), *keys)} > 0 or {first})"
