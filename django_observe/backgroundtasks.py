"""Edge of Django's background tasks: `django.tasks` of Django 6.0 and later, and its backport `django_tasks`.

Every backend tells of its runs by two signals, and every enqueue goes through two methods.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from django.dispatch import Signal
from wrapt import wrap_function_wrapper

from django_observe import backgroundrun, conf
from django_observe.backgroundpublication import BackgroundPublication

_installed: set[str] = set()


def install(signals: ModuleType) -> None:
    """Observes `django.tasks` or `django_tasks`, whose module `signals` is given. May be called again.

    The signals' `send` is wrapped, not received: receivers of the project's own run under the ID as well.
    """
    if signals.__name__ in _installed:
        return
    _installed.add(signals.__name__)
    base = sys.modules[f"{signals.__package__}.base"]
    wrap_function_wrapper(base, "Task.enqueue", _enqueue)
    wrap_function_wrapper(base, "Task.aenqueue", _aenqueue)
    wrap_function_wrapper(signals, "task_started.send", _starting)
    wrap_function_wrapper(signals, "task_finished.send", _finishing)
    if hasattr(Signal, "asend"):  # since Django 5.0
        wrap_function_wrapper(signals, "task_started.asend", _starting)
        wrap_function_wrapper(signals, "task_finished.asend", _afinishing)


def _enqueue(wrapped: Callable[..., Any], task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not conf.settings().background_tasks:
        return wrapped(*args, **kwargs)
    publication = BackgroundPublication(task)
    with publication, backgroundrun.ended_within():
        result = wrapped(*args, **kwargs)
        publication.enqueued(result)
        return result


async def _aenqueue(
    wrapped: Callable[..., Awaitable[Any]], task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not conf.settings().background_tasks:
        return await wrapped(*args, **kwargs)
    publication = BackgroundPublication(task)
    with publication, backgroundrun.ended_within():
        result = await wrapped(*args, **kwargs)
        publication.enqueued(result)
        return result


def _starting(
    wrapped: Callable[..., Any], _signal: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if conf.settings().background_tasks and "task_result" in kwargs:
        backgroundrun.begin(kwargs["task_result"])
    return wrapped(*args, **kwargs)


def _finishing(
    wrapped: Callable[..., Any], _signal: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    error = sys.exc_info()[1]
    try:
        return wrapped(*args, **kwargs)
    finally:
        _ended(kwargs, error)


async def _afinishing(
    wrapped: Callable[..., Awaitable[Any]], _signal: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    error = sys.exc_info()[1]
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _ended(kwargs, error)


def _ended(kwargs: dict[str, Any], error: BaseException | None) -> None:
    if "task_result" in kwargs:
        backgroundrun.end(kwargs["task_result"], error)
