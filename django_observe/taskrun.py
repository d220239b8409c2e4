"""One run of a task under observation: bound from Celery's prerun to its postrun, then told as a TaskRun."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from time import perf_counter, time
from typing import Any

from celery.app.task import Context as Request
from celery.app.task import Task
from opentelemetry.context import get_current

from django_observe import (
    brokertraffic,
    conf,
    correlation,
    privacy,
    taskdelivery,
    taskheaders,
    taskspans,
    tasksteps,
    tasktrace,
    traces,
)
from django_observe.binding import Binding
from django_observe.records import TaskRun, TraceContext
from django_observe.reporting import guard, report
from django_observe.tally import Tally
from django_observe.taskspans import OpenSpan
from django_observe.tasksteps import UNKNOWN

_guard, _traces_guard = guard("celery"), guard("traces")
in_pool_process = False
"""Whether this is a process of the prefork pool, whose parent reports the runs that it cannot end itself."""


class Run:
    """A run that goes on. Eager runs nest in requests and in each other: each gives back what was before."""

    def __init__(self, task: Task[Any, Any], task_id: str) -> None:
        self.task, self.task_id = task, task_id
        self.request: Request = task.request
        self.headers = taskheaders.read(self.request.headers, vars(self.request))
        self.delivery = taskdelivery.of(
            self.headers, self.request.eta, time(), self.request.delivery_info, self.request.properties
        )
        self.tally = Tally()
        self.span: OpenSpan | None = None
        self.trace: TraceContext | None = None
        self.name = {
            "task": task.name,
            "task_id": task_id,
            "queue": queue_of(self.request.delivery_info),
            "hostname": self.request.hostname or UNKNOWN,
        }
        """What both a run and an event are told with."""
        self._binding = Binding()
        self._before = _current.get(), taskheaders.received()

    def bind(self) -> None:
        """Makes this run the current one, starts the span and chooses the ID.

        The run is current before anything can fail, so that `unbind` follows in any case.
        """
        _current.set(self)
        taskheaders.bind(self.headers)
        self.started = perf_counter()
        attributes = vars(self.request)
        for name, value in self.headers.items():  # protocol 1 has them in `headers` only
            attributes.setdefault(name, value)
        given = taskheaders.identifier(self.headers)
        with _guard:
            brokertraffic.hear()
            relation = tasktrace.relation(
                self.task.name, self.headers, self.request.eta, eager=bool(self.request.is_eager)
            )
            self.span = taskspans.running(self.task, relation, self.headers, given)
        if self.span is not None:
            self.trace = self.tally.trace = traces.named(self.span.span.get_span_context())
        else:
            with _traces_guard:
                self.trace = self.tally.trace = traces.current()
        inherited = correlation.correlation_id() if self.request.is_eager else None
        self.correlation_id = correlation.chosen(given or inherited, self.trace)
        self._binding.bind(self.correlation_id, get_current(), self.tally)

    def unbind(self, state: str | None) -> None:
        """Ends the span and gives the context back what it had before `bind`."""
        with _guard:
            if self.span is not None:
                taskspans.ran(self.span, state)
        self._binding.release()
        outer, headers = self._before
        taskheaders.bind(headers)
        _current.set(outer)

    def report(self, state: str, error: BaseException | None) -> None:
        """Tells the run, while its span is current."""
        seconds = perf_counter() - self.started
        self._binding.renew()
        fields = {
            "correlation_id": self.correlation_id,
            "trace": self.trace,
            **self.name,
            "state": state,
            "attempt": attempt_of(self.request.retries),
            "seconds": seconds,
            **self.delivery,
            "queries": self.tally.queries(),
            "calls": self.tally.calls(),
            "failure": privacy.failure_of(error) if state == "FAILURE" and error is not None else None,
        }
        report(TaskRun.of(fields))


_current: ContextVar[Run | None] = ContextVar("django_observe_taskrun", default=None)


def queue_of(delivery_info: Any) -> str:
    """The queue a message came by; with the default exchange the routing key is its name.

    Kombu's virtual transports read that from the message's body, where it may be anything.
    """
    key = delivery_info.get("routing_key") if isinstance(delivery_info, dict) else None
    return key if key and isinstance(key, str) else UNKNOWN


def attempt_of(retries: Any) -> int:
    """Which attempt a run is, by what its message says of those before it."""
    return retries + 1 if type(retries) is int else 1


def on_prerun(*, task_id: str, task: Task[Any, Any], **_: Any) -> None:
    """Receiver of `task_prerun`."""
    with _guard:
        if not conf.settings().celery:
            return
        run = Run(task, task_id)
        run.bind()
        tasksteps.tell("STARTED", **run.name)


def on_postrun(
    *, task_id: str, task: Task[Any, Any], state: str | None = None, retval: Any = None, **_: Any
) -> None:
    """Receiver of `task_postrun`, which Celery sends whatever became of the run.

    There is no state when something beyond Exception ends it. Where that ends the pool's process too,
    the parent tells the run (see `taskevents`).
    """
    run = _current.get()
    if run is None or run.task_id != task_id or run.request is not task.request:
        return
    with _guard:
        if state is not None:
            run.report(state, retval if isinstance(retval, BaseException) else None)
        elif not (in_pool_process and isinstance(sys.exc_info()[1], (SystemExit, KeyboardInterrupt))):
            run.report("FAILURE", sys.exc_info()[1])
    run.unbind(state)


def on_failure(*, task_id: str, einfo: Any = None, **_: Any) -> None:
    """Receiver of `task_failure`: the span's error."""
    run = _current.get()
    if run is not None and run.span is not None and run.task_id == task_id:
        with _guard:
            taskspans.failed(run.span, task_id, einfo)


def on_retry(*, request: Request, reason: Any = None, **_: Any) -> None:
    """Receiver of `task_retry`: the span's reason."""
    run = _current.get()
    if run is not None and run.span is not None and run.request is request:
        with _guard:
            taskspans.retried(run.span, request, reason)
