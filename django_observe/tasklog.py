"""Celery's own line of a task that succeeded: not even made where it would be dropped.

Our line says the same, so `loghandler.OncePerFact` drops Celery's; that alone saves 90k instructions a task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from wrapt import register_post_import_hook, wrap_function_wrapper

from django_observe import conf, loghandler, logwiring
from django_observe.reporting import guard

_TRACE = "celery.app.trace"
_guard = guard("logs")
_logger = logging.getLogger(_TRACE)
_installed = False


def install() -> None:
    """Wraps what Celery writes the line with, once, when Celery imports it."""
    global _installed
    if not _installed:
        _installed = True
        register_post_import_hook(lambda module: wrap_function_wrapper(module, "info", _info), _TRACE)


def _info(wrapped: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with _guard:
        if conf.settings().logs and logwiring.hears_alone(_logger) and loghandler.tells_of_task(args[0]):
            return None
    return wrapped(*args, **kwargs)
