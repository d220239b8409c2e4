"""One run of a background task under observation: bound while it goes on, then told as a TaskRun."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from time import perf_counter, time
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from django_observe import (
    backgroundpublication,
    backgroundrows,
    backgroundspans,
    brokertraffic,
    correlation,
    messages,
    privacy,
    taskdelivery,
    tasktrace,
    traces,
)
from django_observe.binding import Binding
from django_observe.records import Failure, TaskRun, TraceContext
from django_observe.reporting import guard, report
from django_observe.tally import Tally
from django_observe.vocabulary import Header

_STATES = {"SUCCESSFUL": "SUCCESS", "SUCCEEDED": "SUCCESS"}
FAILURE = "FAILURE"


class BackgroundRun:
    """A run that goes on; `result` is the backend's TaskResult. Immediate ones nest in what enqueues them."""

    def __init__(self, result: Any) -> None:
        self.result, self.task_id = result, str(result.id)
        self.outer = _current.get()
        self.thread = get_ident()
        self._task = result.task
        self._headers = backgroundrows.headers(result)
        self._tally = Tally()
        self._trace: TraceContext | None = None
        self._span: Span = INVALID_SPAN
        self._binding = Binding()
        self._started = perf_counter()
        self._ended = False

    def bind(self) -> None:
        """Makes this run the current one, starts the span and chooses the ID.

        The run is current before anything can fail, so that its end finds it in any case.
        """
        _current.set(self)
        due, enqueued = self._task.run_after, self.result.enqueued_at
        eta = due.isoformat() if due is not None else None
        published = {Header.TASK_PUBLISHED_AT: enqueued.timestamp()} if enqueued is not None else {}
        self._delivery = taskdelivery.of(published | self._headers, eta, time(), None, None)
        identifier, context = self._start_span(eta)
        self._trace = self._tally.trace = traces.current(context)
        self._correlation_id = correlation.chosen(identifier, self._trace)
        backgroundspans.identified(self._span, self._correlation_id)
        self._binding.bind(self._correlation_id, backgroundpublication.outside(context), self._tally)

    def end(self, state: str, failure: Failure | None) -> None:
        """Tells the run while its span is current, once; gives back what was current before it."""
        if not self._ended:
            self._ended = True
            self._binding.renew()
            with guard("backgroundtasks"):
                self._report(state, failure)
            with guard("backgroundtasks"):
                if failure is not None:
                    traces.fail(self._span, failure)
            with guard("backgroundtasks"):
                self._span.end()
        self.leave()

    def leave(self) -> None:
        """Gives back what was current before the run, which may go on elsewhere."""
        self._binding.release()
        _current.set(self.outer)

    def _start_span(self, eta: str | None) -> tuple[str | None, Context]:
        """The ID and the context of the run: the enqueue's that it is part of, or what came with the task."""
        nested = not self._headers and backgroundpublication.current() is not None
        here = correlation.correlation_id(), get_current()
        identifier, publisher = here if nested else messages.received(self._headers)
        publisher = brokertraffic.heard(publisher)
        relation = tasktrace.relation(self._task.module_path, self._headers, eta, eager=nested)
        self._span = backgroundspans.running(self._task, self.task_id, publisher, relation)
        traced = publisher if self._span is INVALID_SPAN else set_span_in_context(self._span, publisher)
        return identifier, traced

    def _report(self, state: str, failure: Failure | None) -> None:
        report(
            TaskRun(
                system="django",
                correlation_id=self._correlation_id,
                trace=self._trace,
                task=self._task.module_path,
                task_id=self.task_id,
                queue=self._task.queue_name,
                state=state,
                attempt=max(len(self.result.worker_ids), 1),
                seconds=perf_counter() - self._started,
                **self._delivery,
                queries=self._tally.queries(),
                calls=self._tally.calls(),
                failure=failure,
            )
        )


_current: ContextVar[BackgroundRun | None] = ContextVar("django_observe_backgroundrun", default=None)


def begin(result: Any) -> None:
    """A backend says that it starts a task."""
    with guard("backgroundtasks"):
        BackgroundRun(result).bind()


def end(result: Any, error: BaseException | None) -> None:
    """A backend says that a task has ended; `error` is what was being handled meanwhile."""
    run = _current.get()
    if run is None or run.task_id != str(result.id):
        return
    state = _STATES.get(str(result.status.value), FAILURE)
    run.end(state, _failure(result, error) if state == FAILURE else None)


@contextmanager
def ended_within() -> Iterator[None]:
    """Ends what begins in the block and never says that it has ended, as when a receiver of theirs raises.

    Who awaits a task that goes on in a thread may be cancelled: the run is left, and told when it ends there.
    """
    outer = _current.get()
    try:
        yield
    except BaseException as error:
        run = _current.get()
        while run is not None and run is not outer:
            if isinstance(error, CancelledError) and run.thread != get_ident():
                run.leave()
            else:
                run.end(FAILURE, privacy.failure_of(error))
            run = run.outer
        raise


def _failure(result: Any, error: BaseException | None) -> Failure | None:
    """The exception itself where it is at hand, else what the backend has kept of it."""
    if error is not None:
        return privacy.failure_of(error)
    if not result.errors:
        return None
    kept = result.errors[-1]
    return Failure(kept.exception_class_path, "", privacy.scrub_text(kept.traceback))
