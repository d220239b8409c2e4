"""Celery: tasks that fail, are retried or wait; queues that grow."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, ramp, series

TASK = {"name": "shop.send_mail", "hostname": "w1", "queue_name": "mail"}
QUEUE = {**TARGET, "queue_name": "mail"}
RUNS = f'{LINES} | event="task"'


def worker(metric: str, /, **labels: str) -> str:
    """A series of the worker's own page."""
    return series(metric, **{"job": "celery", "instance": "orders-worker:9808", **labels})


def _runs(metric: str, part: float, whole: float, **labels: str) -> dict[str, str]:
    return {
        worker(metric, **TASK, **labels): ramp((0, 20), (part, 20)),
        worker("celery_task_runtime_count", **TASK): ramp((whole, 40)),
    }


def told(summary: str, description: str, logs: str, since: int, **labels: str) -> Expected:
    """An alert about Celery."""
    return Expected(
        labels={**TARGET, "severity": "ticket", **labels},
        summary=f"orders (test): {summary}",
        description=description,
        dashboard="observe-celery",
        logs=logs,
        since=since,
    )


def _first_failure(**instance: str) -> dict[str, str]:
    return {
        worker("up", **instance): "1x40",
        worker("celery_task_failed_total", **TASK, **instance, exception="SMTPException"): "_x20 1x20",
        worker("celery_task_runtime_count", **TASK, **instance): "5x19 6x20",
    }


_TASKS = (
    Case(
        alert="CeleryTaskFailures",
        title="5.1 % of the runs",
        series=_runs("celery_task_failed_total", 51, 1000, exception="SMTPException"),
        at=600,
        expected=told(
            "5.1% of runs of task shop.send_mail fail, since 00:10 UTC",
            "Runs of the last five minutes that ended in an exception, retries not counted.",
            f'{RUNS} | task="shop.send_mail" | state="FAILURE"',
            600,
            name="shop.send_mail",
        ),
    ),
    Case(
        alert="CeleryTaskFailures",
        title="4.9 % of the runs",
        series=_runs("celery_task_failed_total", 49, 1000, exception="SMTPException"),
        at=600,
    ),
    Case(
        alert="CeleryTaskFailures",
        title="two runs, both of them failures",
        series={
            worker("celery_task_failed_total", **TASK, exception="SMTPException"): "0x20 2x20",
            worker("celery_task_runtime_count", **TASK): "0x20 2x20",
        },
        at=540,
    ),
    Case(
        alert="CeleryTaskFailures",
        title="20 workers fail one run each, and have not failed before",
        series={
            key: values
            for number in range(20)
            for key, values in _first_failure(instance=f"w{number}:9808").items()
        },
        at=300,
        expected=told(
            "100% of runs of task shop.send_mail fail, since 00:05 UTC",
            "Runs of the last five minutes that ended in an exception, retries not counted.",
            f'{RUNS} | task="shop.send_mail" | state="FAILURE"',
            300,
            name="shop.send_mail",
        ),
    ),
    Case(
        alert="CeleryTaskFailures",
        title="all runs of a worker that could not be scraped for a while, long ago",
        series={
            worker("up"): "1x10 0x10 1x20",
            worker("celery_task_failed_total", **TASK, exception="SMTPException"): "9x9 stale _x10 9x20",
            worker("celery_task_runtime_count", **TASK): "9x9 stale _x10 9x20",
        },
        at=570,
    ),
    Case(
        alert="CeleryRetryStorm",
        title="26 % of the runs",
        series=_runs("celery_task_retried_total", 26, 100),
        at=600,
        expected=told(
            "26% of runs of task shop.send_mail end in a retry, since 00:10 UTC",
            "What the task depends on fails; each retry adds to the queue.",
            f'{RUNS} | task="shop.send_mail" | state="RETRY"',
            600,
            name="shop.send_mail",
        ),
    ),
    Case(
        alert="CeleryRetryStorm",
        title="24 % of the runs",
        series=_runs("celery_task_retried_total", 24, 100),
        at=600,
    ),
)


def _waits(long: float, count: float) -> dict[str, str]:
    """After five minutes this share waits 10 to 25 s, the others less than 5 s."""
    shares = {"5.0": 1 - long, "10.0": 1 - long, "25.0": 1, "+Inf": 1}
    return {
        worker("celery_task_queue_wait_time_count", **TASK): ramp((count, 40)),
        **{
            worker("celery_task_queue_wait_time_bucket", **TASK, le=le): ramp(
                (count, 20), (count * share, 20)
            )
            for le, share in shares.items()
        },
    }


_QUEUES = (
    Case(
        alert="CeleryQueueWaitLong",
        title="47 % of the tasks wait 10 to 25 s",
        series=_waits(0.47, 100),
        at=600,
        expected=told(
            "tasks wait 23.4s in queue mail, since 00:05 UTC",
            "The 95th percentile, over five minutes, of the time from publication to start.",
            f'{RUNS} | queue="mail" | queue_wait_ms > 10000',
            345,
            queue_name="mail",
        ),
    ),
    Case(alert="CeleryQueueWaitLong", title="4 % wait 10 to 25 s", series=_waits(0.04, 100), at=600),
    Case(alert="CeleryQueueWaitLong", title="four tasks in all", series=_waits(1, 0.2), at=600),
    Case(
        alert="CeleryBacklogGrowing",
        title="51 and more, growing for 45 s",
        series={worker("celery_queue_length", queue_name="mail"): "0x19 51+1x20"},
        at=345,
        expected=told(
            "54 tasks wait in queue mail, growing since 00:05 UTC",
            "Tasks are published faster than the workers finish them.",
            f'{RUNS} | queue="mail"',
            300,
            queue_name="mail",
        ),
    ),
    Case(
        alert="CeleryBacklogGrowing",
        title="up to 50",
        series={worker("celery_queue_length", queue_name="mail"): "0+1x50"},
        at=750,
    ),
    Case(
        alert="CeleryBacklogGrowing",
        title="5000 at once, shrinking",
        series={worker("celery_queue_length", queue_name="mail"): "0x19 5000-10x40"},
        at=360,
    ),
)
CASES = (*_TASKS, *_QUEUES)
