"""Hypercorn's own lines: it sets up its loggers after it has loaded the project, not before.

Nothing is imported here: `apps.py` calls `install` where hypercorn serves.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from wrapt import wrap_function_wrapper

from django_observe import logwiring
from django_observe.reporting import guard

_MARK: Final = "_django_observe"


def install(hypercorn_logging: ModuleType) -> None:
    """Has its loggers adopted, as those of other servers are, once they are there."""
    if not hasattr(hypercorn_logging, _MARK):
        setattr(hypercorn_logging, _MARK, True)
        wrap_function_wrapper(hypercorn_logging.Logger, "__init__", _set_up)


def _set_up(
    wrapped: Callable[..., None], _logger: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    wrapped(*args, **kwargs)
    with guard("logs"):
        logwiring.install()
