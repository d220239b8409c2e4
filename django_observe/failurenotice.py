"""One line on stderr about what the guard kept from the service: what a reporter or a part of ours raised."""

from __future__ import annotations

import io
import sys
from time import monotonic
from traceback import walk_tb
from typing import TextIO

from django_observe import conf, testenvironment
from django_observe.notice import said
from django_observe.objecttext import qualified_name
from django_observe.redaction import cut, scrub_text
from django_observe.reporting import guard

FAILURE_SECONDS = 60.0
"""At most one line about each place in this time, in each process."""

_MAX_MESSAGE = 200
_next: dict[str, float] = {}


def tell(place: str, error: Exception, count: int) -> None:
    """Prints what `place` raised, the last of `count`: unless it was told of lately, or tests are quiet."""
    now = monotonic()
    if now < _next.get(place, 0.0) or _are_tests_quiet():
        return
    _next[place] = now + FAILURE_SECONDS
    stream = _stream()
    if stream is not None:
        what = f"{qualified_name(type(error))}: {_message(error)}"
        said(f"django_observe: {place}: {what} ({_origin(error)}); not raised, {count} so far", stream)


def _are_tests_quiet() -> bool:
    """As for lines (ADR 5), also where Django has no settings."""
    return testenvironment.in_force() and conf.known().log_format == "auto"


def _stream() -> TextIO | None:
    """Not what Celery puts in stderr's place: that logs, and a fault of logging may be what is told."""
    is_file = isinstance(sys.stderr, io.IOBase)
    return sys.stderr if is_file else sys.__stderr__


def _message(error: Exception) -> str:
    """In one line, without what a terminal would obey."""
    text = "[unreadable]"
    with guard("privacy"):
        text = scrub_text(str(error))
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return cut(" ".join(shown.split()), _MAX_MESSAGE)


def _origin(error: Exception) -> str:
    """Where in the code it was raised."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    return ":".join(map(str, frames[-1])) if frames else "unknown"
