"""What the rows on trouble, traces and time have published: scenarios beside those of publishing.py."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Any

from celery import Celery, current_app

from tests.conformance.project import troubletasks as tasks
from tests.conformance.project.publishing import SCENARIOS, scenario
from tests.conformance.project.tasks import tell

OWN_HEADERS = {"X-Correlation-ID": "the-publishers-own", "X-Shop": "basel"}
AHEAD = BEHIND = 5.0
"""Seconds by which a publisher's clock is wrong, or a message waited."""

LONG = 16 * 60.0


def publish(task: Any, key: str, queue: str, **options: Any) -> str:
    """The ID of the published task."""
    return str(task.apply_async(kwargs={"key": key}, queue=queue, **options).id)


SCENARIOS.update(
    {
        task.__name__: partial(publish, task)
        for task in (
            *(tasks.child, tasks.linked, tasks.anew, tasks.dies_once, tasks.lasts_once, tasks.lasts),
            *(tasks.softly_limited, tasks.rejects, tasks.publishes_in_vain),
        )
    }
)


@scenario
def apply(key: str, queue: str) -> object:
    return _nested(key, queue, "apply")


@scenario
def always_eager(key: str, queue: str) -> object:
    return _nested(key, queue, "delay")


def _nested(key: str, queue: str, call: str) -> object:
    """Here, and by a task there."""
    tasks.nest(key, "request", call)
    return tasks.nests.apply_async(kwargs={"key": key, "call": call}, queue=queue).id


@scenario
def own_headers(key: str, queue: str) -> object:
    return publish(tasks.headed, key, queue, headers=OWN_HEADERS)


def _protocol(version: int, key: str, queue: str) -> object:
    app = Celery("another", broker=current_app.conf.broker_url, set_as_current=False)
    app.conf.task_protocol = version
    return app.send_task(tell.name, kwargs={"key": key}, queue=queue, ignore_result=True).id


@scenario
def protocol_1(key: str, queue: str) -> object:
    return _protocol(1, key, queue)


@scenario
def protocol_2(key: str, queue: str) -> object:
    return _protocol(2, key, queue)


@scenario
def revoked(key: str, queue: str) -> object:
    """The worker knows of it before the task arrives."""
    task_id = uuid.uuid4().hex
    destination = [f"{queue}@here"]
    current_app.control.revoke(task_id, destination=destination, reply=True, timeout=10)
    return publish(tell, key, queue, task_id=task_id)


@scenario
def expired(key: str, queue: str) -> object:
    return publish(tell, key, queue, expires=-1)


@scenario
def unregistered(key: str, queue: str) -> object:
    return current_app.send_task("nobody.knows.this", kwargs={"key": key}, queue=queue, ignore_result=True).id


@scenario
def limited(key: str, queue: str) -> object:
    callback = tell.signature(kwargs={"key": key, "place": "errback"}, queue=queue)
    return publish(tasks.limited, key, queue, link_error=callback)


@scenario
def from_the_future(key: str, queue: str) -> object:
    return publish(tell, key, queue, headers={"x_published_at": f"{time.time() + AHEAD:.6f}"})


@scenario
def from_the_past(key: str, queue: str) -> object:
    return publish(tell, key, queue, headers={"x_published_at": f"{time.time() - BEHIND:.6f}"})


@scenario
def long_eta(key: str, queue: str) -> object:
    """Published a while ago, due now."""
    headers = {"x_published_at": f"{time.time() - LONG:.6f}"}
    return publish(tasks.headed, key, queue, headers=headers, countdown=0.1)
