"""Celery's workers: gone, or there and taking nothing."""

from __future__ import annotations

from tests.stack.rules.case import LINES, Case, Expected, series
from tests.stack.rules.tasks import TASK, told, worker


def _absent(title: str, given: dict[str, str], at: int, *, fires: bool = True) -> Case:
    alert = told(
        "no Celery worker answers since 00:05 UTC",
        "Its tasks stay in the queue until a worker is back.",
        LINES,
        300,
        severity="page",
    )
    return Case(
        alert="CeleryWorkerAbsent", title=title, series=given, at=at, expected=alert if fires else None
    )


FIVE = "0x20 1x5 2 3 4 5x20"
"""Tasks sent; the fifth after seven minutes."""


def _sent(received: str, *, sent: str = FIVE, active: str = "0x60", finished: str = "3x60") -> dict[str, str]:
    return {
        worker("celery_active_process_count", queue_name="mail"): "2x60",
        worker("celery_worker_tasks_active", hostname="w1"): active,
        worker("celery_task_runtime_count", **TASK): finished,
        series("celery_task_sent_total", job="celery", service="shop", **TASK): sent,
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
    return told(
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
        at=510,
        expected=_stalled(5, "mail", 450, "00:07"),
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, one of two slots taken",
        series=_sent("7x60", active="1x60"),
        at=510,
        expected=_stalled(5, "mail", 450, "00:07"),
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, all slots taken",
        series=_sent("7x60", active="2x60"),
        at=510,
    ),
    Case(
        alert="CeleryQueueStalled",
        title="five sent, none received, what was received before is worked off",
        series=_sent("7x60", finished="3x20 4x40"),
        at=510,
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
    Case(alert="CeleryQueueStalled", title="five sent, one received", series=_sent("7x25 8x40"), at=510),
    Case(
        alert="CeleryQueueStalled",
        title="four sent, none received",
        series=_sent("7x60", sent=FIVE.replace("5x20", "4x20")),
        at=510,
    ),
    Case(
        alert="CeleryQueueStalled",
        title="no more are sent, which the sender's page shows two scrapes later than the worker's",
        series=_sent("0+5x20 100x40", sent="0x2 0+5x20 100x40", finished="0+5x20 100x40"),
        at=630,
    ),
)
CASES = _WORKERS
