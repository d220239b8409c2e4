"""What is told of an exception: type, message and stack, scrubbed, with its nearest causes."""

from __future__ import annotations

import builtins
import re
import traceback
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any, Final

from django_observe.objecttext import qualified_name
from django_observe.records import Failure
from django_observe.redaction import MAX_TEXT, MAX_VALUE, cut, scrub_frame, scrub_text
from django_observe.reporting import guard

UNREADABLE: Final = "[unreadable]"
MAX_FRAMES: Final = 60
MAX_CAUSES: Final = 32
"""Exceptions of a chain or group; Python's own formatting has no bound."""

MAX_LINES: Final = 4_000
"""Of those exceptions with all their frames and some notes; `__notes__` may have no end."""

_GROUP: Final[Any] = getattr(builtins, "BaseExceptionGroup", ())  # Python 3.11
_FRAME = re.compile(r'[ |+]*File "[^"\n]*", line [0-9]+, in [^\n]+\n[ |]+[^\n]')
_AFTER = "\nDuring handling of the above exception, another exception occurred:\n\n"


def failure_of(error: BaseException) -> Failure:
    """What is told of an exception: qualified type, message and stack, scrubbed; never a frame's locals."""
    message = stack = UNREADABLE
    with guard("privacy"):
        message = scrub_text(str(error), MAX_VALUE)
    with guard("privacy"):
        stack = _scrubbed(_stack(error))
    return Failure(qualified_name(type(error)), message, stack)


def _scrubbed(parts: list[str]) -> str:
    """Frames one by one, as code; what is between them as the text it is."""
    if sum(map(len, parts)) > 2 * MAX_TEXT:
        return scrub_text("".join(parts).rstrip("\n"), MAX_TEXT)
    told: list[str] = []
    for is_frame, items in groupby(parts, lambda part: _FRAME.match(part) is not None):
        group = list(items)
        told += map(scrub_frame, group) if is_frame else [scrub_text("".join(group))]
    return cut("".join(told).rstrip("\n"), MAX_TEXT)


def _stack(error: BaseException) -> list[str]:
    if len(_related(error)) > MAX_CAUSES:
        return [f"[more than {MAX_CAUSES} causes]\n", _AFTER.join(_chain(error))]
    told = traceback.TracebackException(
        type(error), error, error.__traceback__, limit=-MAX_FRAMES, compact=True
    )
    return [cut(line, 2 * MAX_TEXT) for line in islice(told.format(), MAX_LINES)]


def _related(error: BaseException) -> set[int]:
    """The exceptions that Python's own formatting would tell, and no more than one too many."""
    found: set[int] = set()
    open_ones: list[BaseException | None] = [error]
    while open_ones and len(found) <= MAX_CAUSES:
        each = open_ones.pop()
        if each is None or id(each) in found:
            continue
        found.add(id(each))
        open_ones += each.__cause__, each.__context__
        if isinstance(each, _GROUP):
            open_ones += each.exceptions
    return found


def _chain(error: BaseException) -> Iterator[str]:
    """The last of the causes and `error` itself, the earliest first, each with its own frames."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(chain) < MAX_CAUSES:
        chain.append(each)
        each = each.__cause__ or each.__context__
    for told in reversed(chain):
        frames = "".join(traceback.format_tb(told.__traceback__, limit=-MAX_FRAMES))
        yield f"{frames}{qualified_name(type(told))}: {told}\n"
