"""Counts what is asked of the caches of CACHES, with any BACKEND, changing no setting.

Counted as by django-prometheus' backends: what `get` finds, `None` being nothing; of `get_many` each key.
A value that is the very object given as the default, such as False, is nothing, too: arguments and answers
pass untouched, and methods are watched where classes define them, so that every cache stays what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final

from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string
from wrapt import wrap_function_wrapper

from django_observe.cachelookups import Lookup, Lookups, busy, count
from django_observe.reporting import guard

_THEIRS: Final = "django_prometheus.cache."
_MARK: Final = "_django_observe"

_kinds: set[type] = set()
"""Classes of the caches of CACHES: others may share their parents, as django-prometheus' own do."""

_guard = guard("cache")
_installed = False


def install() -> None:
    """Watches every cache that is there and every one that will be made. May be called again."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(CacheHandler, "create_connection", _created)
        for cache in caches.all(initialized_only=True):
            _watch(type(cache))


@contextmanager
def uncounted(cache: Any) -> Iterator[None]:
    """For what is not the project's own: lookups of `cache` in this block count nowhere."""
    token = busy.set(cache)
    try:
        yield
    finally:
        busy.reset(token)


def _created(
    wrapped: Callable[..., Any], handler: CacheHandler, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Watches before the cache is made, as others keep its bound methods then; BACKEND may be a function."""
    with _guard, suppress(ImportError, KeyError):
        alias = args[0] if args else kwargs["alias"]
        _watch(import_string(handler.settings[alias]["BACKEND"]))
    cache = wrapped(*args, **kwargs)
    _watch(type(cache))
    return cache


def _watch(kind: Any) -> None:
    """Watches the lookups in the classes that define them, each once."""
    with _guard:
        mro = kind.__mro__ if isinstance(kind, type) else ()
        if not mro or any(each.__module__.startswith(_THEIRS) for each in mro):
            return
        _kinds.add(kind)
        for each in mro:
            if each is not BaseCache and each.__module__.partition(".")[0] not in sys.stdlib_module_names:
                _watch_methods(each)


def _watch_methods(kind: type) -> None:
    for name, lookup_of in _LOOKUPS.items():
        own = vars(kind).get(name)
        is_async = iscoroutinefunction(own)
        if _MARK in getattr(own, "__dict__", ()) or not _is_method(own) or (name[0] == "a" and not is_async):
            continue
        watched = _awaited(own, lookup_of) if is_async else _PLAIN[name](own)
        vars(watched)[_MARK] = True
        with suppress(TypeError, AttributeError):  # a class of C
            setattr(kind, name, watched)


def _is_method(own: Any) -> bool:
    """Whether it binds to a cache: a mock that a test has put there does not."""
    return callable(own) and hasattr(type(own), "__get__") and not isinstance(own, staticmethod)


def _plain_get(own: Any) -> Callable[..., Any]:
    """A method in the place of the sync `own`, which gets one key: as a `Lookup`, for half of its 26k."""

    @wraps(own)
    def watched(cache: Any, /, *args: Any, **kwargs: Any) -> Any:
        kind = type(cache)
        method, around = own.__get__(cache, kind), busy.get() if kind in _kinds else cache
        if around is cache:
            return method(*args, **kwargs)
        hits, failed = 0, True
        busy.set(cache)
        try:
            found = method(*args, **kwargs)
            failed = False
            if found is not None and found is not (args[1] if len(args) > 1 else kwargs.get("default")):
                hits = 1
        finally:
            busy.set(around)
            count(kind, 1, hits, failed)
        return found

    return watched


def _plain_get_many(own: Any) -> Callable[..., Any]:
    """A method in the place of the sync `own`, which gets many."""

    @wraps(own)
    def watched(cache: Any, /, *args: Any, **kwargs: Any) -> Any:
        method, around = own.__get__(cache, type(cache)), _around(cache)
        if around is cache:
            return method(*args, **kwargs)
        lookup = Lookups(cache, around)
        with lookup:
            args, kwargs = lookup.asked(args, kwargs)
            found = method(*args, **kwargs)
            lookup.found(found)
        return found

    return watched


def _awaited(own: Any, lookup_of: type[Lookup]) -> Callable[..., Any]:
    """As those, for a coroutine function."""

    @wraps(own)
    async def watched(cache: Any, /, *args: Any, **kwargs: Any) -> Any:
        method, around = own.__get__(cache, type(cache)), _around(cache)
        if around is cache:
            return await method(*args, **kwargs)
        lookup = lookup_of(cache, around)
        with lookup:
            args, kwargs = lookup.asked(args, kwargs)
            found = await method(*args, **kwargs)
            lookup.found(found)
        return found

    return watched


def _around(cache: Any) -> object:
    """The cache that is being asked; `cache` itself means that this lookup counts nowhere."""
    return busy.get() if type(cache) in _kinds else cache


_LOOKUPS: Final = {"get": Lookup, "aget": Lookup, "get_many": Lookups, "aget_many": Lookups}
_PLAIN: Final = {"get": _plain_get, "get_many": _plain_get_many}
