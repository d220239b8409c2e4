"""The workers of servers that load the project in each of them, and nothing of it before: their metrics."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from django_observe import multiprocess
from django_observe.reporting import guard

_WORKERS: Final = {
    "granian.server.mp": "granian",
    "hypercorn.asyncio.run": "hypercorn",
    "hypercorn.trio.run": "hypercorn",
    "uvicorn._subprocess": "uvicorn",
}
"""Servers whose parent process is nothing else, by the module of what multiprocessing runs in a worker.

A program that starts services by multiprocessing itself runs something else in them: they share nothing.
"""

_ALWAYS_SEVERAL: Final = ("granian", "hypercorn")
"""They say so of themselves by `wsgi.multiprocess`, with one worker as well."""


def share_metrics() -> Path | None:
    """Has the metrics of this worker shared with the others of its server; None where it is no worker."""
    if server() is None or not may_be_several():
        return None
    return multiprocess.join(_processes().parent_process().pid)


def server() -> str | None:
    """The server whose parent process started this one as a worker, if any did."""
    with guard("siblings"):
        processes = _processes()
        if processes is not None and processes.parent_process() is not None:
            target = processes.current_process()._target  # noqa: SLF001 - what it was started for
            return _WORKERS.get(getattr(target, "__module__", ""))
    return None


def may_be_several() -> bool:
    """Whether another process started this one, by multiprocessing, and does not say that it starts one only.

    Uvicorn and Hypercorn hand their configuration to each worker; Granian keeps the number to itself.
    """
    processes = _processes()
    if processes is None or processes.parent_process() is None:
        return False
    with guard("siblings"):
        given = processes.current_process()._kwargs  # noqa: SLF001 - what it was started with
        return getattr(given.get("config"), "workers", None) != 1
    return True


def are_only_claimed() -> bool:
    """Whether `wsgi.multiprocess` says nothing here."""
    return "gunicorn" not in sys.modules and any(name in sys.modules for name in _ALWAYS_SEVERAL)


def _processes() -> Any:
    """The module of multiprocessing that knows them, where it is in use at all."""
    return sys.modules.get("multiprocessing.process")
