"""What can be made dear on purpose, by BENCH_BREAK, to see that a gate notices."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

VARIABLE = "BENCH_BREAK"


def _export_each_span() -> None:
    """As OpenTelemetry's SimpleSpanProcessor does."""
    from tests.benchmarks.cost import callers, child

    makers = dict(callers.CALLS)

    def impatient(make: Callable[[], callers.Call]) -> callers.Call:
        call = make()

        def calling(number: int) -> None:
            call(number)
            child.flush()

        return calling

    for name, make in makers.items():
        callers.CALLS[name] = lambda make=make: impatient(make)  # type: ignore[misc]


def _tell_each_request_often() -> None:
    from django_observe import logs

    report = logs.report

    def report_often(record: Any) -> None:
        for _ in range(5):
            report(record)

    logs.report = report_often


def _tell_each_task_twice() -> None:
    """In Celery's words, too."""
    from django_observe import loghandler

    loghandler.tells_of_task = lambda message: False


def _stack_for_each_query() -> None:
    """As one would to tell the line of code of each."""
    from django_observe import database

    timed = database.timed

    def traced(*arguments: Any) -> Any:
        traceback.extract_stack()
        return timed(*arguments)

    database.timed = traced  # type: ignore[assignment]


BREAKAGES: dict[str, Callable[[], None]] = {
    "a request exports by itself": _export_each_span,
    "a request is told five times": _tell_each_request_often,
    "a task is told twice": _tell_each_task_twice,
    "a query takes its stack": _stack_for_each_query,
}


def apply() -> None:
    """Breaks what is asked for; without the variable, nothing."""
    name = os.environ.get(VARIABLE)
    if name:
        BREAKAGES[name]()
