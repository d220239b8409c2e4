"""The Celery app of both sides: its broker and its worker are in the process."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task, chain, chord, group
from celery.exceptions import Ignore, Reject

app = Celery("differential", broker="memory://", backend="cache+memory://")
app.conf.update(broker_transport_options={"polling_interval": 0.01}, worker_hijack_root_logger=False)

old = Celery("old", broker="memory://", set_as_current=False)
old.conf.update(task_protocol=1)


class ExpectedError(Exception):
    """One that its task declares."""


@app.task(name="add")
def add(*numbers: Any) -> int:
    return sum(each if isinstance(each, int) else sum(each) for each in numbers)


@app.task(name="boom")
def boom() -> None:
    raise LookupError("no such order")


@app.task(name="throws", throws=(ExpectedError,))
def throws() -> None:
    raise ExpectedError("sold out")


@app.task(name="again", bind=True, max_retries=2)
def again(self: Task[Any, Any]) -> None:
    if self.request.retries < 1:
        raise self.retry(exc=LookupError("not yet"), countdown=0)


@app.task(
    name="auto", autoretry_for=(LookupError,), retry_backoff=False, max_retries=1, default_retry_delay=0
)
def auto() -> None:
    raise LookupError("never")


@app.task(name="ignored")
def ignored() -> None:
    raise Ignore("not now")


@app.task(name="rejected", acks_late=True)
def rejected() -> None:
    raise Reject("not ours", requeue=False)


@app.task(name="outer")
def outer() -> None:
    add.delay(1, 2)


@app.task(name="spanned")
def spanned() -> None:
    from opentelemetry import trace

    trace.get_current_span().set_attribute("shop.order", 17)
    with trace.get_tracer("shop").start_as_current_span("pack"):
        pass


@app.task(name="replaced", bind=True)
def replaced(self: Task[Any, Any]) -> None:
    self.replace(add.si(3))


def chained() -> None:
    chain(add.s(1, 2), add.s(3)).delay()


def grouped() -> None:
    group(add.s(1), add.s(2)).delay()


def chorded() -> None:
    chord([add.s(1), add.s(2)], add.s()).delay()
