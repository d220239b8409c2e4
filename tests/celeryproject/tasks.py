"""Tasks that tell what they were run under."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore, Reject
from django.db import connection
from opentelemetry.trace import get_current_span

from django_observe import correlation_id
from tests.celeryproject.celery import app

logger = logging.getLogger("shop")


def described(task: Task[Any, Any]) -> dict[str, Any]:
    span = get_current_span().get_span_context()
    return {
        "correlation_id": correlation_id(),
        "trace_id": f"{span.trace_id:032x}",
        "headers": task.request.headers,
        "header_size": len(json.dumps(task.request.headers)),
        "is_eager": task.request.is_eager,
    }


@shared_task(bind=True)
def remember(self: Task[Any, Any], *earlier: list[Any]) -> list[Any]:
    """Also logs, and asks the database."""
    logger.info("remembering")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return [*(item for each in earlier for item in each), described(self)]


class Base(Task):  # type: ignore[type-arg]
    """A class-based task."""

    def run(self, *_: Any) -> list[Any]:
        return [described(self)]


class ByClass(Base):
    name = "tests.celeryproject.tasks.by_class"


by_class = app.register_task(ByClass())


@app.task(bind=True, max_retries=2)
def again(self: Task[Any, Any], earlier: list[Any]) -> list[Any]:
    """Three attempts."""
    attempts = [*earlier, described(self)]
    if self.request.retries < 2:
        raise self.retry(args=(attempts,), countdown=0)
    return attempts


@shared_task
def fail() -> None:
    raise ValueError("no such order")


@shared_task
def ignore() -> None:
    raise Ignore


@shared_task
def reject() -> None:
    raise Reject("not for me", requeue=False)


@shared_task(time_limit=1)
def never_ends() -> None:
    time.sleep(60)


@shared_task
def nap() -> None:
    """Runs for as long as a test takes."""
    time.sleep(60)


@shared_task
def leave() -> None:
    raise SystemExit(3)


@shared_task(bind=True)
def gather(self: Task[Any, Any], earlier: list[list[Any]]) -> list[Any]:
    """A chord's body."""
    return [*(item for each in earlier for item in each), described(self)]


@shared_task
def quick() -> None:
    pass
