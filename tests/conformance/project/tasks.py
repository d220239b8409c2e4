"""Tasks that say what they run under; each takes the row's `key` by name."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from celery import Task, group, shared_task, signals

from tests.conformance.project.witness import witness

ELSEWHERE = "elsewhere.known"
"""A task that no publisher's process has."""

RETRIES = 2

VARYING = ("eta", "parent_id", "properties", "delivery_info")
"""What the message of a retry has and that of the first attempt has not, and what the broker adds."""


class UnsteadyError(Exception):
    """What the first attempts of a task raise."""


@signals.worker_init.connect
def on_worker_init(**_: Any) -> None:
    """A worker knows more tasks than those who publish to it."""
    import_module("tests.conformance.project.workertasks")


@shared_task(bind=True)
def tell(self: Task[Any, Any], *given: Any, key: str, place: str = "task") -> str:
    """One witness; what came from earlier tasks is counted."""
    stamps = dict(self.request.stamps or {})
    witness(key, place, run_id=self.request.id, given=len(given), stamps=stamps)
    return key


@shared_task
def descend(*, key: str, depth: int = 2) -> None:
    """Calls itself, from run to run."""
    witness(key, f"depth {depth}")
    if depth:
        descend.delay(key=key, depth=depth - 1)


@shared_task(bind=True, max_retries=RETRIES)
def retries(self: Task[Any, Any], *, key: str) -> None:
    """Succeeds at the third attempt."""
    if _attempt(self, key) <= RETRIES:
        raise self.retry(countdown=0.05)


@shared_task(
    bind=True,
    autoretry_for=(UnsteadyError,),
    retry_backoff=True,
    retry_backoff_max=1,
    retry_jitter=False,
    max_retries=RETRIES,
)
def autoretries(self: Task[Any, Any], *, key: str) -> None:
    """The same with Celery's own retries, which wait a second at least."""
    if _attempt(self, key) <= RETRIES:
        raise UnsteadyError


def _attempt(task: Task[Any, Any], key: str) -> int:
    """Tells the number of the run, and the size of what its message carried beside what differs by nature."""
    request = vars(task.request)
    carried = {name: request[name] for name in request if name not in VARYING}
    attempt = task.request.retries + 1
    witness(
        key,
        f"attempt {attempt}",
        headers=sorted(task.request.headers or {}),
        size=len(json.dumps(carried, default=repr)),
    )
    return attempt


class Hooked(Task[Any, Any]):
    """A class of the project's own: what it adds around a run is part of it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.say("__call__", kwargs)
        return super().__call__(*args, **kwargs)

    def say(self, hook: str, kwargs: dict[str, Any]) -> None:
        witness(kwargs["key"], f"{hook} {self.request.retries}")

    def before_start(self, _task_id: str, _args: Any, kwargs: Any) -> None:
        self.say("before_start", kwargs)

    def on_retry(self, *given: Any) -> None:
        self.say("on_retry", given[3])

    def on_failure(self, *given: Any) -> None:
        self.say("on_failure", given[3])

    def on_success(self, *given: Any) -> None:
        self.say("on_success", given[3])

    def after_return(self, *given: Any) -> None:
        self.say("after_return", given[4])


@shared_task(bind=True, base=Hooked)
def hooked(self: Hooked, *, key: str) -> None:
    """Succeeds at the second attempt."""
    self.say("run", {"key": key})
    if not self.request.retries:
        raise self.retry(countdown=0)


@shared_task(base=Hooked)
def fails(*_: Any, key: str) -> None:
    witness(key, "failing")
    raise ValueError("no such order")


@shared_task
def on_error(request: Any, exc: Exception, traceback: Any, *, key: str) -> None:
    """An errback that takes all there is: Celery calls it where the task failed."""
    witness(key, "errback")


@shared_task
def applies(*, key: str) -> None:
    """Runs another one here and now."""
    witness(key, "before")
    tell.apply(kwargs={"key": key, "place": "inside"})
    witness(key, "after")


@shared_task
def pass_by(key: str, place: str) -> str:
    """For Celery's own tasks that call others, which give their arguments by position."""
    witness(key, place)
    return key


@shared_task
def pair(both: tuple[str, str]) -> str:
    return str(pass_by(*both))


@shared_task(bind=True)
def replaced(self: Task[Any, Any], *, key: str, by: str = "") -> Any:
    """Has others do its work under its name."""
    witness(key, "replaced")
    first, second = tell.si(key=key, place="first"), tell.si(key=key, place="second")
    return self.replace(group(first, second) if by == "group" else first)
