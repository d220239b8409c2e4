"""Daphne's own lines: its command line sets up logging before any project can, as if the project had.

Nothing is imported here: `apps.py` calls `install` where daphne serves.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any, Final

from django_observe import conf

FORMAT: Final = "%(asctime)-15s %(levelname)-8s %(message)s"
"""What `daphne --log-fmt` is, unless somebody chose it (daphne.cli 4.2)."""

_MARK: Final = "_django_observe"


def is_its(handler: logging.Handler) -> bool:
    """Whether root has `handler` from daphne's command line, in a format that nobody asked for."""
    formatter = handler.formatter
    return "daphne.cli" in sys.modules and getattr(formatter, "_fmt", None) == FORMAT


def install(access: ModuleType) -> None:
    """Keeps its access log from stdout, where our lines say the same; a file is left alone.

    Of WebSockets it speaks where CHANNELS is off: they have no line of ours.
    """
    kind = access.AccessLogGenerator
    if not hasattr(kind.__call__, _MARK):
        kind.__call__ = _quiet(kind.__call__)


def _quiet(write: Callable[..., None]) -> Callable[..., None]:
    @wraps(write)
    def call(generator: Any, protocol: Any, action: Any, details: Any) -> None:
        if generator.stream is not sys.stdout or not _is_told(protocol):
            write(generator, protocol, action, details)

    setattr(call, _MARK, True)
    return call


def _is_told(protocol: str) -> bool:
    settings = conf.settings()
    return bool(settings.logs) and (protocol == "http" or settings.channels)
