"""Publishing a task: its headers carry the ID and the trace, the producer's span ends with the publish.

What beat publishes also names its schedule, and begins with an ID and a trace of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from celery.app.base import Celery
from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current
from wrapt import wrap_function_wrapper

from django_observe import conf, taskheaders, taskspans, tasksteps
from django_observe.correlation import reset
from django_observe.reporting import guard
from django_observe.taskspans import OpenSpan
from django_observe.vocabulary import Attribute

_guard = guard("celery")


class Publication:
    """One call of `send_task`, which `delay`, `apply_async`, retries, canvas and beat all end in.

    Whatever the call raises, the context is afterwards what it was before.
    """

    def __init__(self) -> None:
        self.sent: tuple[str, str, str] | None = None
        """What is published: a task's name, its ID, and the queue."""
        self.span: OpenSpan | None = None

    def __enter__(self) -> None:
        self._ours = _current.set(self)
        self._outside = get_current()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        with _guard:
            if self.span is not None:
                self.span.close(error)
        if get_current() is not self._outside:
            attach(self._outside)
        _current.reset(self._ours)
        if self.sent is not None and error is None:
            tasksteps.tell("SENT", *self.sent)

    def begun(self, name: str, message: dict[str, Any]) -> None:
        """Starts the span and remembers what is published, and where to."""
        headers, body = message["headers"], message["body"]
        task_id = str(headers.get("id") or (body.get("id") if isinstance(body, dict) else ""))
        queues = message.get("declare") or ()
        queue = getattr(queues[0], "name", None) if queues else message.get("routing_key")
        self.sent = name, task_id, queue or tasksteps.UNKNOWN
        self.span = taskspans.publishing(name, task_id, message)
        schedule = _schedule.get()
        if self.span is not None and schedule is not None:
            trace.get_current_span().set_attribute(Attribute.SCHEDULE, schedule)


_current: ContextVar[Publication | None] = ContextVar("django_observe_publication", default=None)
_schedule: ContextVar[str | None] = ContextVar("django_observe_schedule", default=None)
"""Name of the entry of beat's schedule that is being published."""

_installed = False
_beat_installed = False


def install() -> None:
    """Wraps `Celery.send_task`, once for every app of the process."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(Celery, "send_task", _send_task)


def install_beat() -> None:
    """Wraps `Scheduler.apply_async`, once for every scheduler of the process."""
    global _beat_installed
    if not _beat_installed:
        _beat_installed = True
        wrap_function_wrapper("celery.beat", "Scheduler.apply_async", _apply_async)


def on_before_publish(*, sender: str, headers: dict[str, Any], **message: Any) -> None:
    """Receiver of `before_task_publish`, the one place where a message's headers can still be changed."""
    publication = _current.get()
    with _guard:
        if not conf.settings().celery:
            return
        if publication is not None and publication.sent is None:
            publication.begun(sender, {"headers": headers, **message})
    with _guard:
        taskheaders.write(headers, _schedule.get())


def _send_task(
    wrapped: Callable[..., Any], _app: Celery, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with Publication():
        return wrapped(*args, **kwargs)


def _apply_async(
    wrapped: Callable[..., Any], _scheduler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    entry = args[0] if args else kwargs.get("entry")
    name = _schedule.set(getattr(entry, "name", None))
    outside = attach(Context())  # beat may run inside of something: its ticks do not belong to that
    try:
        return wrapped(*args, **kwargs)
    finally:
        reset(outside)
        _schedule.reset(name)
