"""Celery: does each worker run the kit, run the canary's task, and deliver what it tells of it?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from time import time
from typing import Any, Final

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from django_observe import conf, correlation, export
from django_observe.doctor import arrival, fleet, taskspans
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.fleet import REPLY_SECONDS, Fleet, FleetError, Queue

HOP: Final = "Celery"
MAX_QUEUES: Final = 10
MAX_SKEW_SECONDS: Final = 2.0
TASK_SECONDS: Final = 8.0
ANSWER_SECONDS: Final = 4.0
_EXPIRES: Final = 60


def examine(canary: Canary) -> Iterator[Finding]:
    """Asks for workers; those that run the kit get the canary's task."""
    reason = _nothing_to_ask()
    workers = None if reason else fleet.of_project()
    if workers is None:
        yield Finding(HOP, NOT_CONFIGURED, reason or "this project has made no Celery app")
        return
    try:
        yield from _of_workers(canary, workers)
    except FleetError as fault:
        if not workers.is_given:
            yield Finding(
                HOP, NOT_CONFIGURED, f"the app names no broker, and none answers at {workers.broker}"
            )
            return
        yield Finding(
            HOP,
            BROKEN,
            f"the broker {workers.broker} does not answer: {fault}",
            fault.cause,
            f'CELERY_BROKER_URL = "{workers.scheme}://HOST:PORT/..."  # as the workers have it',
        )


def _nothing_to_ask() -> str:
    if find_spec("celery") is None:
        return "Celery is not installed"
    if not conf.settings().celery:
        return "the setting CELERY is off"
    return ""


def _of_workers(canary: Canary, workers: Fleet) -> Iterator[Finding]:
    from django_observe.workercontrol import CANARY_TASK

    if workers.app.conf.task_always_eager:
        yield Finding(HOP, NOT_CONFIGURED, "tasks run where they are sent: task_always_eager")
        return
    if not workers.app.conf.worker_enable_remote_control:
        says = "workers take no remote control, so none can be asked: worker_enable_remote_control"
        yield Finding(HOP, NOT_CONFIGURED, says)
        return
    if not workers.connect():
        yield Finding(
            HOP, NOT_CONFIGURED, f"{workers.broker} has no remote control, so no worker can be asked"
        )
        return
    registered = arrival.awaited(workers.registered, canary, ANSWER_SECONDS)
    if not registered:
        yield _unanswered(workers)
    ours = {host for host, tasks in registered.items() if CANARY_TASK in tasks}
    yield from map(_without_kit, sorted(registered.keys() - ours))
    if ours:
        yield from _run(canary, workers, ours)


def _unanswered(workers: Fleet) -> Finding:
    """Where nobody is to run what the app sends, its tasks pile up."""
    from django_observe.workercontrol import CANARY_TASK

    says = f"no worker answers at {workers.broker}"
    tasks = [name for name in workers.tasks() if name != CANARY_TASK]
    if not (tasks and workers.is_given):
        return Finding(HOP, NOT_CONFIGURED, says)
    some = f"{tasks[0]} and {len(tasks) - 1} more" if len(tasks) > 1 else tasks[0]
    return Finding(
        HOP,
        BROKEN,
        f"{says} that would run {some}: what is sent piles up",
        "no worker runs, each has another broker, or all run tasks in a pool (solo) that cannot answer then",
        f"celery -A {workers.app.main} worker",
    )


def _without_kit(host: str) -> Finding:
    return Finding(
        HOP,
        BROKEN,
        f"{host} does not run the kit",
        "it was started before the kit was installed, with other settings, or with CELERY off",
        'INSTALLED_APPS += ["django_observe"]  # in the settings that the worker has; then restart it',
    )


def _run(canary: Canary, workers: Fleet, ours: set[str]) -> Iterator[Finding]:
    """The task goes only to queues that nobody without the kit consumes: there it would be unknown."""
    from django_observe.workercontrol import COMMAND

    before = workers.observed(COMMAND, ours)
    yield from skewed(before)
    queues = [queue for queue in workers.queues() if queue.hosts <= ours][:MAX_QUEUES]
    if not queues:
        yield Finding(
            HOP, NOT_CONFIGURED, "no queue is consumed by workers with the kit alone: no task was sent"
        )
        return
    _send(canary, workers, queues)
    names, sent = ", ".join(queue.name for queue in queues), len(queues) + _canaries(before)
    after = arrival.awaited(lambda: _enough(workers.observed(COMMAND, ours), sent), canary, TASK_SECONDS)
    if after:
        yield Finding(HOP, OK, f"a task from {names} was run by {', '.join(sorted(ours))}")
        yield from taskspans.examine(canary, after, len(queues))
    else:
        says = f"the canary's task in {names} was not run within {TASK_SECONDS:.0f} s"
        yield _waiting(canary, workers, ours, says)


def _waiting(canary: Canary, workers: Fleet, ours: set[str], says: str) -> Finding:
    """A worker may have better things to do: only where none of them runs anything is that a fault."""
    from django_observe.workercontrol import CANARY_TASK

    told: dict[str, list[str]] = {}

    def have_answered() -> bool:
        told.update(workers.running(ours))
        return told.keys() >= ours

    arrival.awaited(have_answered, canary, ANSWER_SECONDS)
    busy = sorted(host for host in ours if set(told.get(host, ["unknown"])) - {CANARY_TASK})
    if busy:
        says += f": {', '.join(busy)} runs other tasks, or does not say what"
        return Finding(HOP, NOT_CONFIGURED, says)
    return Finding(
        HOP,
        BROKEN,
        says,
        "the workers run nothing else either: one consumes no more, or has lost its broker",
        f"restart {', '.join(sorted(ours))}; the log says what it has lost",
    )


def _send(canary: Canary, workers: Fleet, queues: list[Queue]) -> None:
    from django_observe.workercontrol import CANARY_TASK

    flags = TraceFlags(TraceFlags.SAMPLED)
    parent = SpanContext(
        int(canary.trace_id, 16), int(canary.span_id, 16), is_remote=False, trace_flags=flags
    )
    with use_span(NonRecordingSpan(parent)), correlation.correlated(canary.correlation_id):
        for queue in queues:
            workers.send(CANARY_TASK, queue, _EXPIRES)
    export.flush(1.0)


def _enough(told: dict[str, Any], sent: int) -> dict[str, Any]:
    return told if _canaries(told) >= sent else {}


def _canaries(told: dict[str, Any]) -> int:
    return sum(int(answer.get("canaries", 0)) for answer in told.values())


def skewed(told: dict[str, Any]) -> Iterator[Finding]:
    """Clocks too far from this one's; an answer is under way for REPLY_SECONDS at most."""
    now = time()
    for host, answer in sorted(told.items()):
        seconds = float(answer.get("time", now)) - now
        if abs(seconds) > MAX_SKEW_SECONDS + REPLY_SECONDS:
            yield Finding(
                HOP,
                BROKEN,
                f"the clock of {host} is {seconds:+.0f} s off this one's",
                "spans and lines of tasks are out of order, and Loki refuses lines from too far ahead",
                "timedatectl set-ntp true",
            )
