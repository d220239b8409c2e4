"""Celery's edge: connects what observes tasks to Celery's signals, for every app of the process."""

from __future__ import annotations

import logging
import os
import sys
from contextvars import Context
from threading import Thread
from time import monotonic
from typing import Any

from billiard.util import Finalize
from celery import signals

from django_observe import (
    brokertraffic,
    conf,
    export,
    logs,
    multiprocess,
    publication,
    tasklog,
    taskrun,
    taskspans,
    traces,
    workerserver,
)
from django_observe.json import JsonFormatter
from django_observe.reporting import guard

_EARLY = 100
"""Before what other finalizers of the process close."""

POOL_SHARE = 0.5
"""Of FLUSH_TIMEOUT, for a pool's process: the main one, or the process that replaces it, waits for it."""

BILLIARD_SLEEPS = 0.8
"""Of the second that billiard's `Worker._do_exit` sleeps after its exit hooks; delivery goes on meanwhile.

Not in a process that is replaced (`max_tasks_per_child`): a worker that goes on kills it there.
"""

_LAST_BOOKS = 1.0
"""Seconds at most beyond the deadline of delivery, in which what was dropped at it is booked and told."""

LAST_SECONDS = 1.0
"""Of delivery at least, where tasks ended: they may have run for long after the signal."""

LAST_SECONDS_AFTER_POOL = 0.2
"""The same for the main process of a pool of processes; it delivers since the signal without a pause."""

_main_process: int | None = None
_told_to_end: float | None = None
"""When the main process was (monotonic seconds)."""


def install() -> None:
    """Observes publishing and running, and a worker's life. May be called again; starts nothing."""
    with guard("celery"):
        taskspans.install(enabled=traces.enabled() and conf.may_instrument("celery"))
    publication.install()
    tasklog.install()
    for signal, receiver in _RECEIVERS:
        signal.connect(receiver, weak=False, dispatch_uid=f"django_observe.{receiver.__name__}")


def on_worker_starts(*, instance: Any, **_: Any) -> None:
    """Receiver of `celeryd_init`, in the main process, before it forks."""
    from django_observe import taskevents, workercontrol

    global _main_process
    _main_process = os.getpid()
    with guard("celery"):
        taskevents.install()
        signals.task_received.connect(
            taskevents.on_received, weak=False, dispatch_uid="django_observe.on_received"
        )
    with guard("celery"):
        workercontrol.install(instance.app)
    with guard("celery"):
        brokertraffic.mute()
    with guard("celery"):
        multiprocess.prepare()
    if any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers):
        instance.quiet = True  # the banner goes to stdout and is no JSON


def on_beat_starts(**_: Any) -> None:
    """Receiver of `beat_init`, in the process or thread that publishes what is scheduled."""
    with guard("celery"):
        publication.install_beat()


def on_embedded_beat_starts(**_: Any) -> None:
    """Receiver of `beat_embedded_init`, in the process of a worker's own beat (`-B`); it has no atexit."""
    with guard("celery"):
        Finalize(None, export.shutdown, exitpriority=_EARLY)


def on_setup_logging(**signal: Any) -> None:
    """Receiver of `setup_logging`: with one connected, Celery takes neither the root logger nor stdout."""
    with guard("celery"):
        logs.for_celery(**signal)


def on_worker_ready(*, sender: Any = None, **_: Any) -> None:
    """Receiver of `worker_ready`, sent by Celery's consumer: the main process serves the metrics of all."""
    with guard("celery"):
        from django_observe.workermetrics import WorkerMetrics

        workerserver.start(WorkerMetrics(sender))


def on_pool_process_starts(**_: Any) -> None:
    """Receiver of `worker_process_init`, in each process of the prefork pool; the solo pool sends it, too."""
    if _main_process not in (None, os.getpid()):
        taskrun.in_pool_process = True
        with guard("celery"):
            brokertraffic.forked()
        with guard("celery"):
            multiprocess.sweep()  # the process that this one replaces, also where nobody scrapes


def on_pool_process_ends(*, exitcode: int | None = None, **_: Any) -> None:
    """Receiver of `worker_process_shutdown`; a pool's process has no atexit."""
    with guard("celery"):
        from billiard.pool import EX_RECYCLE

        seconds = POOL_SHARE * export.exit_seconds()
        left = _LAST_BOOKS if exitcode == EX_RECYCLE else -BILLIARD_SLEEPS
        closing = Thread(target=export.shutdown, args=(seconds,), name="django_observe.exit", daemon=True)
        Context().run(closing.start)
        closing.join(max(seconds + left, 0.1))


def on_worker_told_to_end(**_: Any) -> None:
    """Receiver of `worker_shutting_down`, in the main process's handler of SIGTERM."""
    global _told_to_end
    _told_to_end = monotonic()
    with guard("celery"):
        export.hasten()


def on_worker_ends(*, sender: Any = None, **_: Any) -> None:
    """Receiver of `worker_shutdown`, which is sent when the pool has ended; who embeds a worker lives on."""
    with guard("celery"):
        prefork = sys.modules.get("celery.concurrency.prefork")
        has_processes = prefork is not None and isinstance(getattr(sender, "pool", None), prefork.TaskPool)
        passed = 0.0 if _told_to_end is None else monotonic() - _told_to_end
        least = LAST_SECONDS_AFTER_POOL if has_processes else LAST_SECONDS
        seconds = export.exit_seconds()
        export.flush_before_exit(max(seconds - passed, min(least, seconds)))


_RECEIVERS = (
    (signals.before_task_publish, publication.on_before_publish),
    (signals.task_prerun, taskrun.on_prerun),
    (signals.task_postrun, taskrun.on_postrun),
    (signals.task_failure, taskrun.on_failure),
    (signals.task_retry, taskrun.on_retry),
    (signals.celeryd_init, on_worker_starts),
    (signals.beat_init, on_beat_starts),
    (signals.beat_embedded_init, on_embedded_beat_starts),
    (signals.setup_logging, on_setup_logging),
    (signals.worker_ready, on_worker_ready),
    (signals.worker_process_init, on_pool_process_starts),
    (signals.worker_process_shutdown, on_pool_process_ends),
    (signals.worker_shutting_down, on_worker_told_to_end),
    (signals.worker_shutdown, on_worker_ends),
)
