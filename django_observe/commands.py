"""Management commands: a run that does one piece of work has an ID and a span of its own (ADR 13).

A command that serves, or runs others' work, until it is stopped has none: it would be everybody's. The
setting COMMANDS_WITHOUT_ID says which do. What a request, a task or another command calls is part of that.
Of Django's own only `migrate` has a span: builds and hooks run `check` where there is no collector. Ours has
neither: it looks for what others have sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from django.core.management.base import BaseCommand
from opentelemetry.context import get_current
from wrapt import wrap_function_wrapper

from django_observe import conf, correlation, exits, messages, propagation, workspan
from django_observe.reporting import guard
from django_observe.workspan import Work

TERMINATED = 143
"""Exit status of what SIGTERM ended (128 + 15), as a shell gives it."""

_installed = False
_OURS = "django_observe.management.commands"
_started: Work | None = None
"""The work that this process was started for, while it goes on."""


def install(base: ModuleType) -> None:
    """Wraps `BaseCommand.execute` of `base`, which the command line and `call_command` both end in; once."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(base, "BaseCommand.execute", _execute)
        exits.before(_end)


def _execute(
    wrapped: Callable[..., Any], command: BaseCommand, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    global _started
    work = None
    is_process = getattr(command, "_called_from_command_line", False) is True
    with guard("commands"):
        work = _work(command, is_process=is_process)
    if work is None:
        return wrapped(*args, **kwargs)
    if is_process:
        _started = work
    try:
        with work:
            return wrapped(*args, **kwargs)
    finally:
        if is_process:
            _started = None


def _work(command: BaseCommand, *, is_process: bool) -> Work | None:
    """The work of a command that is a piece of work of its own; `is_process`: the process is there for it."""
    module, _, name = type(command).__module__.rpartition(".")
    if correlation.correlation_id() is not None or _serves(name) or module == _OURS:
        return None
    identifier, context = messages.received(_environment()) if is_process else (None, get_current())
    span = None
    if not module.startswith("django.") or name == "migrate":
        span = workspan.started(f"manage.py {name}", context)
    return Work(identifier, context, span)


def _serves(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in conf.settings().commands_without_id)


def _environment() -> dict[str, str]:
    """What whoever started the process put into its environment, under the names of a message.

    As OpenTelemetry has it in "Environment Variables as Context Propagation Carriers": TRACEPARENT.
    """
    fields = propagation.fields()
    given = {name: conf.environment(re.sub(r"\W", "_", name).upper()) for name in fields}
    return {name: value for name, value in given.items() if value}


def _end() -> None:
    """The last word of a process that is told to end while its command goes on."""
    if _started is not None:
        _started.end(SystemExit(TERMINATED))
