"""Beat's edge: each scheduled publish names its schedule and begins with an ID and a trace of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context, attach, detach
from wrapt import wrap_function_wrapper

_current: ContextVar[str | None] = ContextVar("django_observe_taskschedule", default=None)
_installed = False


def install() -> None:
    """Wraps `Scheduler.apply_async`, once for every scheduler of the process."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper("celery.beat", "Scheduler.apply_async", _apply_async)


def current() -> str | None:
    """Name of the schedule's entry that is being published."""
    return _current.get()


def _apply_async(
    wrapped: Callable[..., Any], _scheduler: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    entry = args[0] if args else kwargs.get("entry")
    name = _current.set(getattr(entry, "name", None))
    outside = attach(Context())  # beat may run inside of something: its ticks do not belong to that
    try:
        return wrapped(*args, **kwargs)
    finally:
        detach(outside)
        _current.reset(name)
