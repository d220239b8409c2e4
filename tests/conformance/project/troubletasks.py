"""Tasks that nest, are killed, run out of time or publish in vain; each takes the row's `key` by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from celery import Celery, Task, current_app, shared_task, signals
from celery.exceptions import Reject, SoftTimeLimitExceeded
from celery.worker.request import Request
from django.conf import settings
from kombu.exceptions import OperationalError
from opentelemetry.context import get_current

from tests.conformance.project.witness import witness

VAIN = 1_000
"""Publishes that fail."""


@shared_task
def inner(*, key: str, where: str) -> None:
    witness(key, f"{where}: inner")


@shared_task
def outer(*, key: str, where: str, call: str) -> None:
    witness(key, f"{where}: outer, before")
    eagerly(inner, call, key=key, where=where)
    witness(key, f"{where}: outer, after")


def nest(key: str, where: str, call: str) -> None:
    """Runs a task eagerly that runs another one eagerly."""
    witness(key, f"{where}, before")
    eagerly(outer, call, key=key, where=where, call=call)
    witness(key, f"{where}, after")


@shared_task
def nests(*, key: str, call: str) -> None:
    nest(key, "task", call)


def eagerly(task: Task[Any, Any], way: str, /, **named: str) -> None:
    """In this very thread, by `apply`, or by `delay` as in a project whose tests set `task_always_eager`."""
    if way == "apply":
        task.apply(kwargs=named)
    else:
        with always_eager():
            task.delay(**named)


@contextmanager
def always_eager() -> Iterator[None]:
    """Also where one is in the other."""
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    try:
        yield
    finally:
        current_app.conf.task_always_eager = before


@shared_task(bind=True)
def headed(self: Task[Any, Any], *, key: str) -> None:
    """Tells its headers."""
    witness(key, "task", headers=dict(self.request.headers or {}))


@shared_task
def child(*, key: str) -> None:
    witness(key, "task")


@signals.task_received.connect
def on_received(*, request: Request, **_: Any) -> None:
    """In the worker's main process, which must not have kept anything of the task before."""
    if request.name == child.name:
        witness(request.kwargs["key"], "received")


@shared_task
def linked(*, key: str) -> None:
    """Linked to its publisher's span, by TASK_TRACE."""
    witness(key, "task")


@shared_task
def anew(*, key: str) -> None:
    """In a trace that knows nothing of its publisher's, by TASK_TRACE."""
    witness(key, "task")


@shared_task(bind=True, acks_late=True, reject_on_worker_lost=True)
def dies_once(self: Task[Any, Any], *, key: str) -> None:
    """Kills its process, the first time."""
    first = _first(key)
    witness(key, "run", again=_redelivered(self))
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task(bind=True, acks_late=True)
def lasts_once(self: Task[Any, Any], *, key: str) -> None:
    """Goes on until its worker is killed, the first time."""
    first = _first(key)
    witness(key, "run", again=_redelivered(self))
    if first:
        time.sleep(60)


@shared_task
def lasts(*, key: str) -> None:
    witness(key, "run")
    time.sleep(60)


@shared_task(soft_time_limit=1)
def softly_limited(*, key: str) -> None:
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        witness(key, "run")
        raise


@shared_task(time_limit=1)
def limited(*, key: str) -> None:
    witness(key, "run")
    time.sleep(60)


@shared_task
def rejects(*, key: str) -> None:
    witness(key, "run")
    raise Reject("not for me", requeue=False)


@shared_task
def publishes_in_vain(*, key: str) -> None:
    """Asks a broker that is not there, again and again."""
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    vain = Celery("vain", set_as_current=False)
    nowhere = {
        "broker_write_url": f"{scheme}://127.0.0.1:1//",
        "broker_transport_options": {"max_retries": 0},
    }
    vain.conf.update(nowhere)
    before, sent = get_current(), 0
    for _ in range(VAIN):
        with suppress(OperationalError):
            vain.send_task("nobody.hears", retry=False, ignore_result=True)
            sent += 1
    witness(key, "task", sent=sent, restored=get_current() == before)


def _redelivered(task: Task[Any, Any]) -> bool:
    return bool((task.request.delivery_info or {}).get("redelivered"))


def _first(key: str) -> bool:
    """Whether no run of this row has asked before; the answer outlives the process."""
    client: Any = current_app.backend.client  # type: ignore[attr-defined]
    return bool(client.set(f"conformance {key}", 1, nx=True, ex=600))
