"""The process of `manage.py db_worker`: its own polls are no traces, and it has a metrics page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType
from typing import Any

from opentelemetry.context import Context, attach
from wrapt import wrap_function_wrapper

from django_observe import backgroundrows, backgroundrun, brokertraffic, conf, workerserver
from django_observe.correlation import correlated, reset
from django_observe.reporting import guard

_installed: set[str] = set()


def install(command: ModuleType) -> None:
    """Wraps the worker of the module of the command. May be called again; starts nothing."""
    if command.__name__ not in _installed:
        _installed.add(command.__name__)
        wrap_function_wrapper(command, "Worker.run", _run)
        wrap_function_wrapper(command, "Worker.run_task", _run_task)


def _run(wrapped: Callable[..., Any], worker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The worker's life, which is no unit of work; with `--batch` it is too short to be scraped."""
    if not conf.settings().background_tasks:
        return wrapped(*args, **kwargs)
    before = attach(Context())
    try:
        with guard("backgroundtasks"):
            brokertraffic.mute()
        with guard("backgroundtasks"):
            if not worker.batch:
                workerserver.start()
        return wrapped(*args, **kwargs)
    finally:
        reset(before)


def _run_task(
    wrapped: Callable[..., Any], _worker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """One task, which the worker may fail to begin, or to end: its outcome could not be stored."""
    identifier = backgroundrows.identifier(args[0] if args else None)
    with correlated(identifier) if identifier else nullcontext(), backgroundrun.ended_within():
        return wrapped(*args, **kwargs)
