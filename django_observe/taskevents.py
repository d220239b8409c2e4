"""What a worker's main process knows of tasks: received, revoked, rejected, killed with their process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time
from typing import Any

from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import state as worker_state
from celery.worker.request import Request
from wrapt import wrap_function_wrapper

from django_observe import conf, correlation, privacy, taskheaders, taskrun
from django_observe.records import TaskEvent, TaskRun
from django_observe.reporting import guard, report
from django_observe.vocabulary import LabelValue

_LOST = (TimeLimitExceeded, WorkerLostError, SystemExit, KeyboardInterrupt)
_installed = False
_TOLD = "_django_observe_told"


def install() -> None:
    """Watches for runs that end without a postrun; `task_failure` comes without headers, or not at all."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(Request, "on_timeout", _on_timeout)
        wrap_function_wrapper(Request, "on_failure", _on_failure)


def on_received(*, request: Request, **_: Any) -> None:
    """Receiver of `task_received`."""
    with guard("celery"):
        queue = taskrun.queue_of(request.delivery_info)
        _tell(request.task.name, request.id, "RECEIVED", queue=queue, hostname=request.hostname)


def on_revoked(*, sender: Any, request: Any, **_: Any) -> None:
    """Receiver of `task_revoked`: before its run, or by killing it."""
    with guard("celery"):
        queue = taskrun.queue_of(request.delivery_info)
        _tell(sender.name, request.id, "REVOKED", queue=queue, hostname=request.hostname)


def on_rejected(*, sender: Any, message: Any, **_: Any) -> None:
    """Receiver of `task_rejected` and `task_unknown`: no task of this worker's; anyone can have named it."""
    with guard("celery"):
        task_id = str((message.headers or {}).get("id", ""))
        queue = taskrun.queue_of(message.delivery_info)
        _tell(LabelValue.OTHER, task_id, "REJECTED", queue=queue, hostname=sender.hostname)


def _tell(task: str, task_id: str, state: str, *, queue: str, hostname: str | None) -> None:
    if not conf.settings().celery:
        return
    name = hostname or taskrun.UNKNOWN
    report(TaskEvent(task=task, task_id=task_id, queue=queue, hostname=name, state=state))


def _on_timeout(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with _under_its_id(request):
        result = wrapped(*args, **kwargs)
        with guard("celery"):
            soft, timeout = _limit(*args, **kwargs)
            if not soft and not worker_state.should_terminate:
                _lost(request, TimeLimitExceeded(timeout), float(timeout or 0))
    return result


def _on_failure(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with _under_its_id(request):
        result = wrapped(*args, **kwargs)
        with guard("celery"):
            error = (args[0] if args else kwargs["exc_info"]).exception
            error = getattr(error, "exc", None) or error  # billiard wraps what a child raised
            if isinstance(error, _LOST):
                _lost(request, error, time() - (request.time_start or time()))
    return result


def _limit(soft: bool, timeout: float | None) -> tuple[bool, float | None]:
    return soft, timeout


@contextmanager
def _under_its_id(request: Request) -> Iterator[None]:
    """Error callbacks and retries that the main process publishes belong to the task's ID, too."""
    headers = _headers(request)
    token = taskheaders.bind(headers)
    try:
        with correlation.correlated(taskheaders.correlation_id(headers)):
            yield
    finally:
        taskheaders.reset(token)


def _headers(request: Request) -> taskheaders.Headers:
    with guard("celery"):
        sent = request.request_dict
        return taskheaders.read([*(sent.get("headers") or {}).items(), *sent.items()])
    return {}


def _lost(request: Request, error: BaseException, seconds: float) -> None:
    """Reports a run that nobody else can: its process is gone. Celery may say so twice."""
    if request.time_start is None or vars(request).get(_TOLD) or not conf.settings().celery:
        return
    vars(request)[_TOLD] = True
    headers = _headers(request)
    report(
        TaskRun(
            correlation_id=correlation.correlation_id() or correlation.generate(),
            trace=taskheaders.trace_context(headers),
            task=request.task.name,
            task_id=request.id,
            queue=taskrun.queue_of(request.delivery_info),
            hostname=request.hostname or taskrun.UNKNOWN,
            state="FAILURE",
            attempt=int(request.request_dict.get("retries") or 0) + 1,
            seconds=seconds,
            queue_wait_seconds=taskheaders.waited(
                headers, request.request_dict.get("eta"), request.time_start
            ),
            failure=privacy.failure_of(error),
        )
    )
