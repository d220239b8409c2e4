"""A gunicorn configuration: `gunicorn -c python:django_observe.gunicorn shop.wsgi`.

It makes the metrics of all workers one, keeps what ended workers counted, delivers a worker's telemetry
before it exits, tells the requests that die with a worker, and gives gunicorn's own lines our JSON. Flags and
GUNICORN_CMD_ARGS still win. To combine it with your own file, begin that with
`from django_observe.gunicorn import *`; a hook you define yourself should call ours.
"""

from __future__ import annotations

import sys
from typing import Any

from gunicorn import glogging

from django_observe import abort, conf, multiprocess
from django_observe.reporting import guard

__all__ = ["child_exit", "logger_class", "on_exit", "post_worker_init", "worker_abort", "worker_exit"]

logger_class = "django_observe.gunicorn.Logger"

multiprocess.prepare()


class Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's logger, with our formatter unless a logging configuration was given."""

    def setup(self, cfg: Any) -> None:
        """Sets up as gunicorn does, in the master and again in each worker."""
        super().setup(cfg)
        conf.assume_application(cfg.wsgi_app or cfg.default_proc_name)
        if cfg.logconfig or cfg.logconfig_dict or cfg.logconfig_json:
            return
        with guard("gunicorn"):
            from django_observe.json import JsonFormatter
            from django_observe.loghandler import is_standard

            for handler in (*self.error_log.handlers, *filter(is_standard, self.access_log.handlers)):
                handler.setFormatter(JsonFormatter())


def child_exit(server: Any, worker: Any) -> None:
    """In the master, after a worker has ended: keeps its totals, removes its files."""
    del server
    with guard("gunicorn"):
        multiprocess.bury(worker.pid)


def post_worker_init(worker: Any) -> None:
    """In a worker, before it serves: sees to it that what --timeout ends can still be told."""
    with guard("gunicorn"):
        abort.prepare(worker)


def worker_exit(server: Any, worker: Any) -> None:
    """In a worker, before it ends: delivers what is queued, within FLUSH_TIMEOUT.

    Where requests outlive --graceful-timeout in their threads, delivery goes on until they end, or it does.
    """
    del server, worker
    export = sys.modules.get("django_observe.export")
    if export is not None:
        with guard("gunicorn"):
            inflight = sys.modules.get("django_observe.inflight")
            if inflight is not None and inflight.any_left():
                export.flush_before_exit()
            else:
                export.shutdown()
    abort.mirror()


def worker_abort(worker: Any) -> None:
    """In a worker that --timeout ends: tells the requests it was at, and delivers, within `abort.SECONDS`."""
    with guard("gunicorn"):
        abort.tell_beside()
    with guard("gunicorn"):
        worker.log.critical("Worker (pid:%s) was stopped by gunicorn's --timeout", worker.pid)


def on_exit(server: Any) -> None:
    """In the master, at its end: removes the shared directory if it is ours."""
    del server
    with guard("gunicorn"):
        multiprocess.remove()
