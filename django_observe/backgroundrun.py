"""One run of a background task under observation: bound while it goes on, then told as a TaskRun."""

from __future__ import annotations

from asyncio import CancelledError
from contextvars import ContextVar
from threading import get_ident
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from django_observe import (
    backgroundpublication,
    backgroundrows,
    backgroundspans,
    brokertraffic,
    correlation,
    currentspan,
    messages,
    taskdelivery,
    tasktrace,
    traces,
)
from django_observe.binding import Binding
from django_observe.reporting import guard, report
from django_observe.tally import Tally
from django_observe.taskrecords import TaskRun
from django_observe.vocabulary import Header

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from django_observe.records import Failure, TraceContext

_STATES = {"SUCCESSFUL": "SUCCESS", "SUCCEEDED": "SUCCESS"}
FAILURE = "FAILURE"
_guard = guard("backgroundtasks")


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
        self._span: Span | None = None
        self._binding = Binding()
        self._started = perf_counter()
        self._ended = False

    def bind(self) -> None:
        """Makes this run the current one, starts the span and chooses the ID.

        The run is current before anything can fail, so that its end finds it in any case.
        """
        _current.set(self)
        due = self._task.run_after
        eta = due.isoformat() if due is not None else None
        self._delivery = self._delivered(eta)
        identifier, context = self._start_span(eta)
        if currentspan.may_be():
            self._trace = self._tally.trace = traces.current(context)
        self._correlation_id = correlation.chosen(identifier, self._trace)
        if self._span is not None:
            backgroundspans.identified(self._span, self._correlation_id)
        self._binding.bind(self._correlation_id, backgroundpublication.outside(context), self._tally)

    def seconds(self) -> float:
        """How long it has gone on; asked before its failure is put into words, which may take long."""
        return perf_counter() - self._started

    def end(self, state: str, seconds: float, failure: Failure | None) -> None:
        """Tells the run while its span is current, once; gives back what was current before it."""
        if not self._ended:
            self._ended = True
            self._binding.renew()
            with _guard:
                self._report(state, seconds, failure)
            if self._span is not None:
                with _guard:
                    if failure is not None:
                        traces.fail(self._span, failure)
                with _guard:
                    self._span.end()
        self.leave()

    def leave(self) -> None:
        """Gives back what was current before the run, which may go on elsewhere."""
        self._binding.release()
        _current.set(self.outer)

    def _delivered(self, eta: str | None) -> taskdelivery.Delivery:
        enqueued = self.result.enqueued_at
        if enqueued is None:
            return taskdelivery.of(self._headers, eta, time(), None, None)
        if not self._headers:
            return taskdelivery.of_enqueue(enqueued.timestamp(), eta, time())
        published = {Header.TASK_PUBLISHED_AT: enqueued.timestamp()}
        return taskdelivery.of(published | self._headers, eta, time(), None, None)

    def _start_span(self, eta: str | None) -> tuple[str | None, Context]:
        """The ID and the context of the run: the enqueue's that it is part of, or what came with the task."""
        here = self._binding.context
        nested = not self._headers and backgroundpublication.current(here) is not None
        identifier, publisher = (correlation.of(here), here) if nested else messages.received(self._headers)
        publisher = brokertraffic.heard(publisher)
        if not backgroundspans.are_on():
            return identifier, publisher
        relation = tasktrace.relation(self._task.module_path, self._headers, eta, eager=nested)
        self._span = backgroundspans.running(self._task, self.task_id, publisher, relation)
        return identifier, backgroundspans.within(publisher, self._span)

    def _report(self, state: str, seconds: float, failure: Failure | None) -> None:
        fields = {
            "system": "django",
            "correlation_id": self._correlation_id,
            "trace": self._trace,
            "task": self._task.module_path,
            "task_id": self.task_id,
            "queue": self._task.queue_name,
            "state": state,
            "attempt": _attempt(self.result.worker_ids),
            "seconds": seconds,
            **self._delivery,
            "queries": self._tally.queries(),
            "calls": self._tally.calls(),
            "failure": failure,
        }
        report(TaskRun.of(fields))


_current: ContextVar[BackgroundRun | None] = ContextVar("django_observe_backgroundrun", default=None)


def begin(result: Any) -> None:
    """A backend says that it starts a task."""
    with _guard:
        BackgroundRun(result).bind()


def end(result: Any, error: BaseException | None) -> None:
    """A backend says that a task has ended; `error` is what was being handled meanwhile.

    A run whose result can no longer be read ends, too: what follows is no part of it.
    """
    run = _current.get()
    if run is None:
        return
    seconds, state, failure = run.seconds(), FAILURE, None
    with _guard:
        if run.task_id != str(result.id):
            return
        state = _STATES.get(str(getattr(result.status, "value", result.status)), FAILURE)
        if state == FAILURE:
            failure = _failure(result, error)
    run.end(state, seconds, failure)


class ended_within:  # noqa: N801 - used as a statement; a generator for it takes 7k instructions
    """Ends what begins in the block and never says that it has ended, as when a receiver of theirs raises.

    Who awaits a task that goes on in a thread may be cancelled: the run is left, and told when it ends there.
    """

    __slots__ = ("_outer",)

    def __enter__(self) -> None:
        self._outer = _current.get()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        run = _current.get()
        while run is not None and run is not self._outer:
            if isinstance(error, CancelledError) and run.thread != get_ident():
                run.leave()
            else:
                run.end(FAILURE, run.seconds(), _failure_of(error))
            run = run.outer


def _failure(result: Any, error: BaseException | None) -> Failure | None:
    """The exception itself where it is at hand, else what the backend has kept of it."""
    if error is not None:
        return _failure_of(error)
    if not result.errors:
        return None
    from django_observe.privacy import scrub_text
    from django_observe.records import Failure

    kept = result.errors[-1]
    stack = kept.traceback
    return Failure(str(kept.exception_class_path), "", scrub_text(stack) if isinstance(stack, str) else "")


def _attempt(worker_ids: Any) -> int:
    """Each attempt adds its worker's id; a backend of the project's own may keep none."""
    return max(len(worker_ids), 1) if isinstance(worker_ids, (list, tuple)) else 1


def _failure_of(error: BaseException) -> Failure:
    from django_observe.privacy import failure_of  # where nothing fails nobody needs it: 60 M instructions

    return failure_of(error)
