"""What a worker's main process knows of tasks: received, revoked, rejected, killed with their process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import time
from typing import Any

from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from celery.worker.request import Request
from wrapt import wrap_function_wrapper

from django_observe import (
    brokertraffic,
    conf,
    correlation,
    messages,
    privacy,
    taskdelivery,
    taskheaders,
    taskrun,
    tasksteps,
    traces,
)
from django_observe.records import TaskRun, UnrunTask
from django_observe.reporting import guard, report
from django_observe.workspan import Work

MAX_NAME = 255
"""Characters of a name that nobody here knows: the longest short string of AMQP 0-9-1."""

_LOST = (TimeLimitExceeded, WorkerLostError, SystemExit, KeyboardInterrupt)
_installed = False
_TOLD = "_django_observe_told"


def install() -> None:
    """Watches for runs that end without a postrun, and for tasks that never run.

    Celery's signals come without the message's headers there, too late, or not at all.
    """
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(Request, "on_timeout", _on_timeout)
        wrap_function_wrapper(Request, "on_failure", _on_failure)
        for method in ("on_unknown_message", "on_unknown_task", "on_invalid_task"):
            wrap_function_wrapper(Consumer, method, _on_rejected)
        wrap_function_wrapper(Request, "revoked", _on_asked_whether_revoked)
        wrap_function_wrapper(Request, "_announce_revoked", _on_revoked)


def on_received(*, request: Request, **_: Any) -> None:
    """Receiver of `task_received`."""
    with guard("celery"):
        if conf.settings().celery:
            tasksteps.tell("RECEIVED", **_name(request))


def _name(request: Request) -> dict[str, Any]:
    return {
        "task": request.task.name,
        "task_id": request.id,
        "queue": taskrun.queue_of(request.delivery_info),
        "hostname": request.hostname or tasksteps.UNKNOWN,
    }


def _on_asked_whether_revoked(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Celery asks before every run, and logs that it discards a task; only such a one needs its ID here."""
    if not _may_be_discarded(request):
        return wrapped(*args, **kwargs)
    with _under_its_id(_headers(request)):
        return wrapped(*args, **kwargs)


def _may_be_discarded(request: Request) -> bool:
    with guard("celery"):
        expires: Any = request.expires
        stamped = worker_state.revoked_stamps and request.stamped_headers
        return bool(expires or stamped or request.id in worker_state.revoked)
    return True


def _on_revoked(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Revoked or expired before its run, or terminated in it."""
    headers = _headers(request)
    with _under_its_id(headers):
        result = wrapped(*args, **kwargs)
        with guard("celery"):
            vars(request)[_TOLD] = True
            _will_not_run(state="REVOKED", **_name(request))
    return result


def _on_rejected(
    wrapped: Callable[..., Any], consumer: Consumer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """No task of this worker's, or no task at all."""
    message = args[1] if len(args) > 1 else kwargs["message"]
    named: Mapping[str, Any] = {}
    headers: taskheaders.Headers = {}
    with guard("celery"):
        headers = taskheaders.read(message.headers)
    with guard("celery"):
        named = _named(message)
    with _under_its_id(headers):
        result = wrapped(*args, **kwargs)
        with guard("celery"):
            _will_not_run(
                task=str(named.get("task") or tasksteps.UNKNOWN)[:MAX_NAME],
                task_id=str(named.get("id") or "")[:MAX_NAME],
                queue=taskrun.queue_of(message.delivery_info),
                hostname=consumer.hostname or tasksteps.UNKNOWN,
                state="REJECTED",
                registered=False,
            )
    return result


def _named(message: Any) -> Mapping[str, Any]:
    """Where the message names its task: in its headers, or in its body (protocol 1)."""
    headers = message.headers
    if isinstance(headers, Mapping) and "task" in headers:
        return headers
    payload = message.payload
    return payload if isinstance(payload, Mapping) else {}


def _will_not_run(**event: Any) -> None:
    if conf.settings().celery:
        report(UnrunTask(correlation_id=correlation.correlation_id(), trace=traces.current(), **event))


def _on_timeout(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with _under_its_id(_headers(request)):
        result = wrapped(*args, **kwargs)
        with guard("celery"):
            soft, timeout = _limit(*args, **kwargs)
            if not soft and not worker_state.should_terminate:
                _lost(request, TimeLimitExceeded(timeout), float(timeout or 0))
    return result


def _on_failure(
    wrapped: Callable[..., Any], request: Request, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with _under_its_id(_headers(request)):
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
def _under_its_id(headers: taskheaders.Headers) -> Iterator[None]:
    """What the main process logs of a task, or publishes for it, belongs to the task's ID and trace, too.

    A task without a trace stays muted: what is done for it, such as storing its result, would be a trace.
    """
    work: AbstractContextManager[Any] = nullcontext()
    with guard("celery"):
        identifier, context = messages.received(headers)
        span = traces.current(context)
        if span is not None:
            context = brokertraffic.heard(context)
        work = Work(correlation.chosen(identifier, span), context, None)
    token = taskheaders.bind(headers)
    try:
        with work:
            yield
    finally:
        taskheaders.reset(token)


def _headers(request: Request) -> taskheaders.Headers:
    with guard("celery"):
        sent = request.request_dict
        return taskheaders.read(sent.get("headers"), sent)
    return {}


def _lost(request: Request, error: BaseException, seconds: float) -> None:
    """Reports a run that nobody else can: its process is gone. Celery may say so twice."""
    if request.time_start is None or vars(request).get(_TOLD) or not conf.settings().celery:
        return
    vars(request)[_TOLD] = True
    headers, sent = _headers(request), request.request_dict
    report(
        TaskRun(
            correlation_id=correlation.correlation_id() or correlation.generate(),
            trace=traces.current(),
            **_name(request),
            **taskdelivery.of(
                headers, sent.get("eta"), request.time_start, request.delivery_info, sent.get("properties")
            ),
            state="FAILURE",
            attempt=taskrun.attempt_of(sent.get("retries")),
            seconds=seconds,
            failure=privacy.failure_of(error),
        )
    )
