"""Celery's edge: connects what observes tasks to Celery's signals, for every app of the process."""

from __future__ import annotations

import logging
import os
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
    taskrun,
    taskspans,
    traces,
    workerserver,
)
from django_observe.json import JsonFormatter
from django_observe.reporting import guard

_EARLY = 100
"""Before what other finalizers of the process close."""

_main_process: int | None = None


def install() -> None:
    """Observes publishing and running, and a worker's life. May be called again; starts nothing."""
    with guard("celery"):
        taskspans.install(enabled=traces.enabled() and conf.may_instrument("celery"))
    publication.install()
    for signal, receiver in _RECEIVERS:
        signal.connect(receiver, weak=False, dispatch_uid=f"django_observe.{receiver.__name__}")


def on_worker_starts(*, instance: Any, **_: Any) -> None:
    """Receiver of `celeryd_init`, in the main process, before it forks."""
    from django_observe import taskevents

    global _main_process
    _main_process = os.getpid()
    with guard("celery"):
        taskevents.install()
        signals.task_received.connect(
            taskevents.on_received, weak=False, dispatch_uid="django_observe.on_received"
        )
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


def on_pool_process_ends(**_: Any) -> None:
    """Receiver of `worker_process_shutdown`; a pool's process has no atexit."""
    with guard("celery"):
        export.shutdown()


def on_worker_ends(**_: Any) -> None:
    """Receiver of `worker_shutdown`; a process that embeds a worker lives on."""
    with guard("celery"):
        export.flush_before_exit()


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
    (signals.worker_shutdown, on_worker_ends),
)
