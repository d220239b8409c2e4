"""Rows of tasks: published, run by a worker in a thread of the process, awaited by Celery's own signals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from tests.differential.rows import Row

PATIENCE = 20
_ended = threading.Semaphore(0)
"""Released for each run that has ended, and for each message that came to no run."""


@contextmanager
def worker() -> Iterator[None]:
    """A worker of one thread; what runs in it is counted after whoever was connected before."""
    from celery import signals
    from celery.contrib.testing.worker import start_worker

    from tests.differential.tasks import app

    def count(**_: Any) -> None:
        _ended.release()

    for signal in (signals.task_postrun, signals.task_revoked, signals.task_unknown):
        signal.connect(count, weak=False)
    with start_worker(app, perform_ping_check=False, hostname="worker@differential"):
        yield


def awaited(publish: Callable[[], object], runs: int = 1) -> None:
    """Publishes, and waits until that many runs have ended."""
    publish()
    for _ in range(runs):
        assert _ended.acquire(timeout=PATIENCE), "a run has not ended"


def apply(name: str, *args: Any, **options: Any) -> None:
    from tests.differential.tasks import app

    app.tasks[name].apply_async(args, **options)


def call(name: str) -> None:
    """By a function of tasks.py."""
    from tests.differential import tasks

    getattr(tasks, name)()


def send(name: str, *, by_old: bool = False) -> None:
    from tests.differential import tasks

    (tasks.old if by_old else tasks.app).send_task(name, (1, 2))


def eagerly(name: str, *args: Any) -> None:
    from tests.differential.tasks import app

    with suppress(LookupError):
        app.tasks[name].apply(args)


def expired() -> None:
    apply("add", 1, expires=-1)


def due_soon() -> None:
    apply("add", 1, countdown=0.05)


def without_broker() -> None:
    """A publish that fails, for nobody listens."""
    from kombu.exceptions import OperationalError

    from tests.differential.tasks import app

    task: Any = app.tasks["add"]
    with app.connection_for_write(url="amqp://127.0.0.1:1//") as connection, suppress(OperationalError):
        task.apply_async((1,), connection=connection, retry=False)


def linked(**links: str) -> None:
    from tests.differential.tasks import app

    signatures: dict[str, Any] = {option: app.tasks[name].si() for option, name in links.items()}
    app.tasks["boom" if "link_error" in links else "add"].apply_async((), **signatures)


def inside(publish: Callable[[], object]) -> None:
    """The publish while a span is current."""
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("outer"):
        publish()


_RUNS: dict[str, tuple[Callable[[], object], int]] = {
    "delay": (partial(apply, "add", 1, 2), 1),
    "priority": (partial(apply, "add", 1, priority=5), 1),
    "routing key and queue": (partial(apply, "add", 1, queue="celery", routing_key="celery"), 1),
    "headers and properties": (partial(apply, "add", 1, headers={"shelf": "upper"}, shadow="plus"), 1),
    "time limits": (partial(apply, "add", 1, time_limit=30, soft_time_limit=20), 1),
    "expires later": (partial(apply, "add", 1, expires=60), 1),
    "task id": (partial(apply, "add", 1, task_id="order-17"), 1),
    "countdown": (due_soon, 1),
    "expired": (expired, 1),
    "send_task": (partial(send, "add"), 1),
    "unknown task": (partial(send, "nobody"), 1),
    "protocol 1": (partial(send, "add", by_old=True), 1),
    "failure": (partial(apply, "boom"), 1),
    "declared exception": (partial(apply, "throws"), 1),
    "retry": (partial(apply, "again"), 2),
    "automatic retry": (partial(apply, "auto"), 2),
    "ignored": (partial(apply, "ignored"), 1),
    "rejected": (partial(apply, "rejected"), 1),
    "task that publishes": (partial(apply, "outer"), 2),
    "task with spans of its own": (partial(apply, "spanned"), 1),
    "replaced": (partial(apply, "replaced"), 2),
    "chain": (partial(call, "chained"), 2),
    "group": (partial(call, "grouped"), 2),
    "chord": (partial(call, "chorded"), 3),
    "link": (partial(linked, link="spanned"), 2),
    "link of an error": (partial(linked, link_error="spanned"), 2),
    "inside of a span": (partial(inside, partial(apply, "add", 1)), 1),
    "eager": (partial(eagerly, "add", 1, 2), 1),
    "eager failure": (partial(eagerly, "boom"), 1),
    "eager retry": (partial(eagerly, "again"), 2),
    "eager inside of a span": (partial(inside, partial(eagerly, "add", 1)), 1),
    "no broker": (without_broker, 0),
}
ROWS = [Row("celery", name, partial(awaited, publish, runs)) for name, (publish, runs) in _RUNS.items()]
