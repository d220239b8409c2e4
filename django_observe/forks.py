"""What a forked child makes anew: by Python's own hook, and for servers in C that fork past it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module

_renewals: list[Callable[[], object]] = []
_process = os.getpid()
_will: int | None = None
"""A pipe with one byte in it, for the first child, while this process is to fork past Python."""


def in_child(renewal: Callable[[], object]) -> None:
    """Has `renewal` called once in every forked child, after those given before."""
    _renewals.append(renewal)


def renew() -> None:
    """Calls them, unless this process has done so already, or is no child of the one that it was.

    Where the parent left what it had queued to its first child, that one goes on with it.
    """
    global _process, _will
    if os.getpid() == _process:
        return
    is_heir = _will is not None and _takes(_will)
    _process, _will = os.getpid(), None
    with ExitStack() as all_of_them:  # one that raises keeps none of the others
        for renewal in () if is_heir else reversed(_renewals):
            all_of_them.callback(renewal)


def bequeath() -> None:
    """Has this process start no thread, as it forks past Python's hooks: its first child goes on for it."""
    global _will
    _will, write = os.pipe()
    os.set_blocking(_will, False)
    os.write(write, b".")
    os.close(write)


def has_heirs() -> bool:
    """Whether what is queued here is for a child to deliver."""
    return _will is not None


def _takes(will: int) -> bool:
    with suppress(OSError):
        return bool(os.read(will, 1))
    return False


def _finish_imports() -> None:
    """Waits for those of our modules that other threads are importing: a child would wait for ever."""
    for name, module in sys.modules.copy().items():
        if name.startswith("django_observe.") and getattr(module.__spec__, "_initializing", False):
            with suppress(ImportError):  # that thread is told
                import_module(name)


os.register_at_fork(before=_finish_imports, after_in_child=renew)
