"""The canary's task once more: have its spans arrived, under the canary's ID?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django_observe import conf, traces
from django_observe.doctor import arrival, console, onward, sampling
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.jaeger import TraceStore
from django_observe.doctor.source import SourceError
from django_observe.doctor.timeline import Row
from django_observe.tasktrace import CHILD

HOP: Final = "Celery: spans"
_CONSUMER: Final = 5
_MINUTE_NS: Final = 60 * 10**9


def examine(canary: Canary, told: dict[str, dict[str, Any]], sent: int) -> Iterator[Finding]:
    """Looks for `sent` runs; `told` is what each worker says of what it exports."""
    silent = sorted(host for host, answer in told.items() if not answer.get("traces"))
    if not traces.wanted():
        yield Finding(HOP, NOT_CONFIGURED, "this process exports no traces, so none are asked of workers")
    elif silent:
        yield Finding(
            HOP,
            BROKEN,
            f"{', '.join(silent)}: no spans are exported there, though here they are",
            "OTEL_EXPORTER_OTLP_ENDPOINT is not set where the worker was started",
            onward.same("traces", canary),
        )
    else:
        try:
            store = console.trace_store(canary)
            none = Finding(HOP, NOT_CONFIGURED, "there is neither a console nor a Jaeger to find them in")
            yield _found(canary, store, sent) if store else none
        except SourceError as fault:  # the store's own hop says so as well, with cause and change
            yield Finding(HOP, NOT_CONFIGURED, f"not to be told: {fault.says}")


def _found(canary: Canary, store: TraceStore, sent: int) -> Finding:
    look = _look(canary, store)
    runs = arrival.awaited(
        lambda: found if len(found := _runs(look())) >= sent else [], canary, arrival.ARRIVAL_SECONDS
    )
    if not runs and conf.settings().task_trace != CHILD and (ratio := sampling.ratio()):
        told = f"not to be told: a run begins a trace by TASK_TRACE, and {ratio:.4g} of all are kept"
        return Finding(HOP, NOT_CONFIGURED, told)
    if not runs:
        missing = Finding(
            HOP,
            BROKEN,
            f"the task was run, but its spans are not at {store.address}",
            "the worker's endpoint leads elsewhere, its sampler drops them, or they do not leave",
            onward.same("traces", canary),
        )
        return onward.following(missing, "traces", canary)
    lost = [run for run in runs if run["corr"] != canary.correlation_id]
    if lost:
        return Finding(
            HOP,
            BROKEN,
            f"the task ran under {lost[0]['corr']}, not under the canary's {canary.correlation_id}",
            "its message's headers were lost or changed on the way",
            "keep the headers traceparent and x-correlation-id of messages",
        )
    return Finding(HOP, OK, f"{len(runs)} of {len(runs)} runs under the canary's ID at {store.address}")


def _look(canary: Canary, store: TraceStore) -> Callable[[], list[Row]]:
    """Runs that are children of their publisher are in the canary's trace; to others the ID leads."""
    if conf.settings().task_trace == CHILD:
        return lambda: store.spans(canary.trace_id)
    since, until = canary.started_ns - _MINUTE_NS, canary.started_ns + _MINUTE_NS
    return lambda: store.of_correlation(canary.correlation_id, since, until)


def _runs(spans: list[Row]) -> list[Row]:
    return [span for span in spans if span["kind"] == _CONSUMER]
