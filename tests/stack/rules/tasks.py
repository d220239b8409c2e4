"""Celery: tasks that fail, are retried or wait; queues that grow; workers that are gone or stuck."""

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


def _told(summary: str, description: str, logs: str, since: int, **labels: str) -> Expected:
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
        expected=_told(
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
        expected=_told(
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
        expected=_told(
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
        expected=_told(
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
        title="51 and more, growing for a minute",
        series={worker("celery_queue_length", queue_name="mail"): "0x19 51+1x20"},
        at=360,
        expected=_told(
            "55 tasks wait in queue mail, growing since 00:05 UTC",
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


def _absent(title: str, given: dict[str, str], at: int, *, fires: bool = True) -> Case:
    told = _told(
        "no Celery worker answers since 00:05 UTC",
        "Its tasks stay in the queue until a worker is back.",
        LINES,
        300,
        severity="page",
    )
    return Case(
        alert="CeleryWorkerAbsent", title=title, series=given, at=at, expected=told if fires else None
    )


def _sent(received: str, *, active: str = "0x60", finished: str = "3x60") -> dict[str, str]:
    return {
        worker("celery_active_process_count", queue_name="mail"): "2x60",
        worker("celery_worker_tasks_active", hostname="w1"): active,
        worker("celery_task_runtime_count", **TASK): finished,
        series("celery_task_sent_total", job="celery", service="shop", **TASK): "0x20 1x5 2 3 4 5x20",
        worker("celery_task_received_total", **TASK): received,
        worker("celery_active_worker_count", queue_name="mail"): "1x60",
    }


def _of_the_same_name(service: str, received: str) -> dict[str, str]:
    """A service with a queue of its own, which has the default name."""
    web, instance = {"service": service, "instance": f"{service}:8000"}, f"{service}-worker:9808"
    queue = {"queue_name": "celery"}
    return {
        series("celery_task_sent_total", **{**TASK, **web, **queue}): "0+1x60",
        worker(
            "celery_task_received_total", **{**TASK, **queue}, service=service, instance=instance
        ): received,
        worker("celery_active_worker_count", **queue, service=service, instance=instance): "1x60",
    }


def _stalled(sent: int, queue: str, since: int, clock: str) -> Expected:
    return _told(
        f"takes none of {sent} tasks sent to queue {queue}, since {clock} UTC",
        "Tasks sent within five minutes; a worker consumes the queue and received nothing.",
        LINES,
        since,
        queue_name=queue,
        severity="page",
    )


_WORKERS = (
    _absent("down for a minute", {worker("up"): "1x19 0x20"}, 360),
    _absent("its target left the list", {worker("up"): "1x19 stale"}, 360),
    _absent("down for 45 s", {worker("up"): "1x19 0x20"}, 345, fires=False),
    _absent(
        "one of two is down",
        {worker("up"): "0x60", worker("up", instance="second:9808"): "1x60"},
        600,
        fires=False,
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received",
        series=_sent("7x60"),
        at=480,
        expected=_stalled(5, "mail", 450, "00:07"),
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, one of two slots taken",
        series=_sent("7x60", active="1x60"),
        at=480,
        expected=_stalled(5, "mail", 450, "00:07"),
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, all slots taken",
        series=_sent("7x60", active="2x60"),
        at=480,
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, what was received before is worked off",
        series=_sent("7x60", finished="3x20 4x40"),
        at=480,
    ),
    Case(
        alert="CeleryQueueStalled",
        title="stuck, while another service works off its own queue of the same name",
        series={**_of_the_same_name("orders", "7x60"), **_of_the_same_name("shop", "0+1x60")},
        at=360,
        expected=_stalled(20, "celery", 300, "00:05"),
    ),
    Case(
        alert="CeleryQueueStalled",
        title="nothing sent to it, while another service is stuck with its own queue of the same name",
        series={
            key: values
            for key, values in (
                *_of_the_same_name("orders", "7x60").items(),
                *_of_the_same_name("auth", "0+1x60").items(),
            )
            if not key.startswith("celery_task_sent_total") or "auth" in key
        },
        at=360,
    ),
    Case(alert="CeleryQueueStalled", title="five sent, one received", series=_sent("7x25 8x40"), at=480),
    Case(alert="CeleryQueueStalled", title="four sent, none received", series=_sent("7x60"), at=435),
)
CASES = (*_TASKS, *_QUEUES, *_WORKERS)
