"""Views that publish: one scenario of the group Celery each, by name, to the queue that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta, timezone
from typing import Any

from celery import current_app
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from tests.conformance.project import tasks
from tests.conformance.project.tasks import tell

Scenario = Callable[[str, str], object]
SCENARIOS: dict[str, Scenario] = {}
"""By name: a function of the row's key and of the queue; what it answers goes back as JSON."""

SOON = 0.1
"""Seconds until a run that is not due at once."""

_queue: ContextVar[str | None] = ContextVar("queue", default=None)


def scenario(publish: Scenario) -> Scenario:
    """Adds a scenario under its function's name."""
    assert publish.__name__ not in SCENARIOS
    SCENARIOS[publish.__name__] = publish
    return publish


def routed(publish: Callable[[str], Any]) -> Callable[[str], Any]:
    """Adds a scenario that calls tasks as any project does: the queue is chosen by the route below."""

    def scenario(key: str, _: str) -> None:
        publish(key)

    SCENARIOS[publish.__name__] = scenario
    return publish


def route(*_: object, **__: object) -> dict[str, str] | None:
    """Celery's `task_routes`: what a view publishes goes to the queue that was asked for."""
    queue = _queue.get()
    return {"queue": queue} if queue else None


current_app.conf.task_routes = [route]


@scenario
def apply_async(key: str, queue: str) -> object:
    return tell.apply_async(kwargs={"key": key}, queue=queue).id


@routed
def delay(key: str) -> object:
    return tell.delay(key=key)


@routed
def delay_on_commit(key: str) -> object:
    with transaction.atomic():
        return tell.delay_on_commit(key=key)  # type: ignore[attr-defined]


@routed
def send_task(key: str) -> object:
    assert tasks.ELSEWHERE not in current_app.tasks
    return current_app.send_task(tasks.ELSEWHERE, kwargs={"key": key})


@routed
def calling(key: str) -> object:
    return tasks.descend.delay(key=key)


@routed
def retries(key: str) -> object:
    return tasks.retries.delay(key=key)


@routed
def autoretries(key: str) -> object:
    return tasks.autoretries.delay(key=key)


@routed
def eta(key: str) -> object:
    return tell.apply_async(kwargs={"key": key}, eta=datetime.now(timezone.utc) + timedelta(seconds=SOON))


@routed
def countdown(key: str) -> object:
    return tell.apply_async(kwargs={"key": key}, countdown=SOON)


@routed
def ignore_result(key: str) -> object:
    return tell.apply_async(kwargs={"key": key}, ignore_result=True)


@routed
def own_class(key: str) -> object:
    return tasks.hooked.delay(key=key)


@routed
def applying(key: str) -> object:
    return tasks.applies.delay(key=key)


@routed
def link(key: str) -> object:
    return tell.apply_async(kwargs={"key": key}, link=tell.s(key=key, place="callback"))


@routed
def link_error(key: str) -> object:
    return tasks.fails.apply_async(kwargs={"key": key}, link_error=tasks.on_error.s(key=key))


@routed
def link_error_of_old(key: str) -> object:
    """A bound task can only be given the failed task's ID: Celery publishes it."""
    return tasks.fails.apply_async(kwargs={"key": key}, link_error=tell.s(key=key, place="errback"))


@routed
def replace(key: str) -> object:
    return tasks.replaced.delay(key=key)


@routed
def replace_with_group(key: str) -> object:
    return tasks.replaced.delay(key=key, by="group")


def publish(request: HttpRequest, scenario: str) -> HttpResponse:
    """Runs the scenario."""
    queue = request.GET["queue"]
    token = _queue.set(queue)
    try:
        return JsonResponse(SCENARIOS[scenario](request.GET["key"], queue), safe=False)
    finally:
        _queue.reset(token)


urlpatterns = [path("", publish)]
