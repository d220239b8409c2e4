"""The circuit breakers that the project makes with pybreaker, and the states they are in.

Nothing is imported here: `apps.py` calls `install` when the project itself imports pybreaker.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from wrapt import wrap_function_wrapper

from django_observe.reporting import guard
from django_observe.vocabulary import LabelValue

MAX_NAMES: Final = 100
"""Breakers that are told apart by name; those of later names are `other`."""

_made_in: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_lock = threading.Lock()
_callbacks: list[Callable[[], None]] = []
_installed = False


def install(pybreaker: Any) -> None:
    """Watches every breaker from its making on; adds no listener, which a project would find in its lists."""
    global _installed
    if _installed:
        return
    _installed = True
    wrap_function_wrapper(pybreaker.CircuitBreaker, "__init__", _made)
    state = pybreaker.CircuitBreaker.state

    def changed(breaker: Any, name: str) -> None:
        state.fset(breaker, name)
        for callback in _callbacks:
            with guard("circuitbreakers"):
                callback()

    pybreaker.CircuitBreaker.state = property(state.fget, changed, state.fdel, state.__doc__)


def on_change(callback: Callable[[], None]) -> None:
    """Calls `callback` after a breaker has changed its state."""
    if callback not in _callbacks:
        _callbacks.append(callback)


def states() -> dict[str, Counter[str]]:
    """How many breakers of each name are in which state, in pybreaker's words.

    As this process last saw it: a storage that breakers share (Redis) is not asked.
    """
    with _lock:
        breakers = list(_made_in.items())
    found: dict[str, Counter[str]] = {}
    for breaker, made_in in breakers:
        with guard("circuitbreakers"):
            name, state = str(breaker.name or made_in), str(breaker._state.name)  # noqa: SLF001 - `state` would ask the storage
            if name not in found and len(found) >= MAX_NAMES:
                name = LabelValue.OTHER
            found.setdefault(name, Counter())[state] += 1
    return found


def _made(wrapped: Callable[..., None], breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Remembers a breaker with the module that made it, which stands in for a name."""
    wrapped(*args, **kwargs)
    with guard("circuitbreakers"):
        module = str(sys._getframe(1).f_globals.get("__name__", LabelValue.OTHER))  # noqa: SLF001
        with _lock:
            _made_in[breaker] = module


def _after_fork() -> None:
    """The thread that held it stayed in the parent."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
