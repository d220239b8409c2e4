"""The circuit breakers that the project makes with pybreaker, and the states they are in.

Nothing is imported here: `apps.py` calls `install` when the project itself imports pybreaker.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from wrapt import wrap_function_wrapper

from django_observe.reporting import guard
from django_observe.vocabulary import LabelValue

MAX_NAMES: Final = 100
"""Breakers that are told apart by name; those of later names are `other`."""

_breakers: WeakValueDictionary[tuple[int, str], Any] = WeakValueDictionary()
"""Those that live, by what tells them apart without hashing them, and the module that made them."""

_names: dict[str, None] = {}
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
    """How many breakers of each name are in which state, in pybreaker's words; of one that is gone, none.

    As this process last saw it: a storage that breakers share (Redis) is not asked.
    """
    found: dict[str, Counter[str]] = {name: Counter() for name in list(_names)}
    for made in _breakers.valuerefs():
        with guard("circuitbreakers"):
            if (breaker := made()) is not None:
                name = _known(str(breaker.name or made.key[1]))
                found.setdefault(name, Counter())[str(breaker._state.name)] += 1  # noqa: SLF001 - `state` would ask the storage
    return found


def _known(name: str) -> str:
    """`name`, when it is one of the first: they keep their gauges as long as the process lives."""
    known = name if name in _names or len(_names) < MAX_NAMES else LabelValue.OTHER
    _names[known] = None
    return known


def _made(wrapped: Callable[..., None], breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Remembers a breaker with the module that made it, which stands in for a name."""
    wrapped(*args, **kwargs)
    with guard("circuitbreakers"):
        module = str(sys._getframe(1).f_globals.get("__name__", LabelValue.OTHER))  # noqa: SLF001
        _breakers[id(breaker), module] = breaker
