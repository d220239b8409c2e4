"""One run of a background task under observation: bound while it goes on, then told as a TaskRun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter, time
from typing import Any

from opentelemetry.context import Context, create_key, detach, get_current, get_value, set_value
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from django_observe import (
    backgroundpublication,
    backgroundrows,
    backgroundspans,
    brokertraffic,
    correlation,
    messages,
    privacy,
    tally,
    taskdelivery,
    tasktrace,
    traces,
)
from django_observe.records import Failure, TaskRun
from django_observe.reporting import guard, report
from django_observe.tally import Tally
from django_observe.vocabulary import Header

_KEY = create_key("django_observe_background_run")
_STATES = {"SUCCESSFUL": "SUCCESS", "SUCCEEDED": "SUCCESS"}
FAILURE = "FAILURE"


class Run:
    """A run that goes on; `result` is the backend's TaskResult. Immediate ones nest in what enqueues them."""

    def __init__(self, result: Any) -> None:
        self.result, self.task_id = result, str(result.id)
        self._task = result.task
        self._headers = backgroundrows.headers(result)
        self._tally = Tally()
        self._span: Span = INVALID_SPAN
        self._undo = ExitStack()

    def bind(self) -> None:
        """Starts the span, chooses the ID and makes this run the current one."""
        self._time_queue()
        unmuted = brokertraffic.unmute()
        if unmuted is not None:
            self._undo.callback(detach, unmuted)
        identifier, context = self._start_span()
        self._trace = self._tally.trace = traces.current(context)
        own = self._trace.trace_id if self._trace else None
        self._correlation_id = identifier or own or correlation.generate()
        backgroundspans.identified(self._span, self._correlation_id)
        context = backgroundpublication.outside(set_value(_KEY, self, context))
        self._undo.callback(correlation.reset, correlation.bind(self._correlation_id, context))
        self._undo.callback(tally.reset, tally.bind(self._tally))
        self._started = perf_counter()

    def end(self, state: str, failure: Failure | None) -> None:
        """Tells the run while its span is current, then gives the context back what it had before `bind`."""
        with guard("backgroundtasks"):
            self._report(state, failure)
        with guard("backgroundtasks"):
            if failure is not None:
                backgroundspans.failed(self._span, failure)
            self._span.end()
        with guard("backgroundtasks"):
            self._undo.close()

    def _start_span(self) -> tuple[str | None, Context]:
        """The ID and the context of the run: the enqueue's that it is part of, or what came with the task."""
        nested = not self._headers and backgroundpublication.current() is not None
        here = correlation.correlation_id(), get_current()
        identifier, publisher = here if nested else messages.received(self._headers)
        relation = tasktrace.relation(self._task.module_path, self._headers, self._due, eager=nested)
        self._span = backgroundspans.running(self._task, self.task_id, publisher, relation)
        traced = publisher if self._span is INVALID_SPAN else set_span_in_context(self._span, publisher)
        return identifier, traced

    def _time_queue(self) -> None:
        due, enqueued = self._task.run_after, self.result.enqueued_at
        self._due = due.isoformat() if due is not None else None
        published = {Header.TASK_PUBLISHED_AT: enqueued.timestamp()} if enqueued is not None else {}
        now, published = time(), published | self._headers
        self._waited = taskdelivery.waited(published, self._due, now)
        self._skew = taskdelivery.skew(published, now)

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
                queue_wait_seconds=self._waited,
                clock_skew_seconds=self._skew,
                queries=self._tally.queries(),
                calls=self._tally.calls(),
                failure=failure,
            )
        )


def current() -> Run | None:
    """The run that goes on here."""
    found = get_value(_KEY)
    return found if isinstance(found, Run) else None


def begin(result: Any) -> None:
    """A backend says that it starts a task."""
    with guard("backgroundtasks"):
        Run(result).bind()


def end(result: Any, error: BaseException | None) -> None:
    """A backend says that a task has ended; `error` is what was being handled meanwhile."""
    run = current()
    if run is None or run.task_id != str(result.id):
        return
    state = _STATES.get(str(result.status.value), FAILURE)
    run.end(state, _failure(result, error) if state == FAILURE else None)


@contextmanager
def ended_within() -> Iterator[None]:
    """Ends what begins in the block and never says that it has ended, as when a receiver of theirs raises."""
    outer = current()
    try:
        yield
    except BaseException as error:
        while (run := current()) is not outer and run is not None:
            run.end(FAILURE, privacy.failure_of(error))
        raise


def _failure(result: Any, error: BaseException | None) -> Failure | None:
    """The exception itself where it is at hand, else what the backend has kept of it."""
    if error is not None:
        return privacy.failure_of(error)
    if not result.errors:
        return None
    kept = result.errors[-1]
    return Failure(kept.exception_class_path, "", privacy.scrub_text(kept.traceback))
