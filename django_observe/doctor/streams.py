"""Where log lines go while the doctor speaks: nowhere, as stdout is for the report."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

from django_observe.loghandler import is_standard


class Kept(StringIO):
    """In the place of stdout or stderr, whichever `stands_for` names."""

    def __init__(self, stands_for: str) -> None:
        super().__init__()
        self.stands_for = stands_for


@contextmanager
def diverted() -> Iterator[Mapping[str, Kept]]:
    """By stdout and stderr what handlers write there, and others print, until the end of the block."""
    kept = {name: Kept(name) for name in ("stdout", "stderr")}
    before = [(handler, handler.setStream(kept[_name(handler.stream)])) for handler in _standard()]
    try:
        with redirect_stdout(kept["stdout"]):
            yield kept
    finally:
        for handler, stream in before:
            handler.setStream(stream)


def divert() -> None:
    """The same until the process ends, as much is said while it does."""
    sys.stdout = Kept("stdout")
    for handler in _standard():
        handler.setStream(sys.stdout)


def unread() -> int:
    """Has what is still to be printed go nowhere, as `| head` reads no more; answers the exit status.

    As Python's documentation has it: signal, "Note on SIGPIPE".
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return 1


def loggers() -> list[logging.Logger]:
    """Root, and every logger that somebody has asked for."""
    root = logging.getLogger()
    known = list(root.manager.loggerDict.values())
    return [root, *(item for item in known if isinstance(item, logging.Logger))]


def _name(stream: object) -> str:
    if isinstance(stream, Kept):
        return stream.stands_for
    return "stderr" if stream in (sys.stderr, sys.__stderr__) else "stdout"


def _standard() -> list[logging.StreamHandler[Any]]:
    handlers = {id(each): each for logger in loggers() for each in logger.handlers}
    streams = [each for each in handlers.values() if isinstance(each, logging.StreamHandler)]
    return [each for each in streams if isinstance(each.stream, Kept) or is_standard(each)]
