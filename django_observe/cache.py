"""Counts what is asked of the caches of CACHES, with any BACKEND, changing no setting.

Counted as by django-prometheus' backends: what `get` finds, `None` being nothing; of `get_many` each key.
A value that is the very object given as the default, such as False, is nothing, too: arguments and answers
pass untouched, and methods are watched where classes define them, so that every cache stays what it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache, wraps
from inspect import iscoroutinefunction
from typing import Any, Final, TypeAlias, final

from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string
from wrapt import wrap_function_wrapper

from django_observe.records import CacheGet
from django_observe.reporting import guard, report

_NAMES: Final = {
    "django.core.cache.backends.redis": "native_redis",
    "django_redis.cache": "redis",
}
"""Django-prometheus' names where they are not the module's own."""

_THEIRS: Final = "django_prometheus.cache."
_DJANGOS: Final = "django.core.cache.backends."
_MARK: Final = "_django_observe"

_Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

_busy: ContextVar[object] = ContextVar("django_observe_cache", default=None)
_kinds: set[type] = set()
"""Classes of the caches of CACHES: others may share their parents, as django-prometheus' own do."""

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
    token = _busy.set(cache)
    try:
        yield
    finally:
        _busy.reset(token)


def _created(
    wrapped: Callable[..., Any], handler: CacheHandler, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Watches before the cache is made, as others keep its bound methods then; BACKEND may be a function."""
    with guard("cache"), suppress(ImportError, KeyError):
        alias = args[0] if args else kwargs["alias"]
        _watch(import_string(handler.settings[alias]["BACKEND"]))
    cache = wrapped(*args, **kwargs)
    _watch(type(cache))
    return cache


def _watch(kind: Any) -> None:
    """Watches the lookups in the classes that define them, each once."""
    with guard("cache"):
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
        watched = (_awaited if is_async else _plain)(own, lookup_of)
        vars(watched)[_MARK] = True
        with suppress(TypeError, AttributeError):  # a class of C
            setattr(kind, name, watched)


def _is_method(own: Any) -> bool:
    """Whether it binds to a cache: a mock that a test has put there does not."""
    return callable(own) and hasattr(type(own), "__get__") and not isinstance(own, staticmethod)


class _Lookup:
    """One `get`, counted when it is over; what the cache asks itself meanwhile is part of it."""

    __slots__ = ("_around", "_cache", "_default", "hits", "keys")

    def __init__(self, cache: Any, around: object) -> None:
        self._cache, self._around, self._default = cache, around, None
        self.keys, self.hits = 1, 0

    def __enter__(self) -> None:
        _busy.set(self._cache)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        _busy.set(self._around)  # no reset: an async lookup may be closed in another context
        with guard("cache"):
            kind: Any = type(self._cache)
            report(_record(kind, max(self.keys, self.hits), self.hits, failure is not None))

    def asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        """Reads what is asked for, and returns it."""
        self._default = args[1] if len(args) > 1 else kwargs.get("default")
        return args, kwargs

    def found(self, found: Any) -> None:
        """Counts what was found."""
        self.hits = int(found is not None and found is not self._default)


@final
class _Lookups(_Lookup):
    """One `get_many`."""

    __slots__ = ()

    def asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        """Counts the keys; those that can be read only once are counted as the cache reads them."""
        with guard("cache"):
            keys = args[0] if args else kwargs.get("keys")
            if isinstance(keys, Sized):
                self.keys = len(keys)
            elif isinstance(keys, Iterator):
                self.keys, read = 0, self._read(keys)
                return ((read, *args[1:]), kwargs) if args else (args, {**kwargs, "keys": read})
        return args, kwargs

    def found(self, found: Any) -> None:
        """Counts the keys that were found."""
        with guard("cache"):
            self.hits = len(found) if isinstance(found, Sized) else 0

    def _read(self, keys: Iterator[Any]) -> Iterator[Any]:
        for key in keys:
            self.keys += 1
            yield key


def _plain(own: Any, lookup_of: type[_Lookup]) -> Callable[..., Any]:
    """A method in the place of the sync `own`."""

    @wraps(own)
    def watched(cache: Any, /, *args: Any, **kwargs: Any) -> Any:
        method, around = own.__get__(cache, type(cache)), _around(cache)
        if around is cache:
            return method(*args, **kwargs)
        lookup = lookup_of(cache, around)
        with lookup:
            args, kwargs = lookup.asked(args, kwargs)
            found = method(*args, **kwargs)
            lookup.found(found)
        return found

    return watched


def _awaited(own: Any, lookup_of: type[_Lookup]) -> Callable[..., Any]:
    """As `_plain`, for a coroutine function."""

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
    return _busy.get() if type(cache) in _kinds else cache


_LOOKUPS: Final = {"get": _Lookup, "aget": _Lookup, "get_many": _Lookups, "aget_many": _Lookups}


@lru_cache(maxsize=1_024)
def _record(kind: Any, keys: int, hits: int, failed: bool) -> CacheGet:
    """Lookups are many and their outcomes few: equal records are one."""
    return CacheGet(backend=backend_of(kind), keys=keys, hits=hits, failed=failed)


def backend_of(kind: type) -> str:
    """The label of a class of caches: django-prometheus' word for it; a third party's has its own name."""
    for each in kind.__mro__:
        module = each.__module__
        if module in _NAMES:
            return _NAMES[module]
        if module.startswith(_DJANGOS) and each is not BaseCache:
            return module.removeprefix(_DJANGOS)
    return kind.__name__
