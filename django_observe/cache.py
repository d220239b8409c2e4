"""Counts what is asked of the caches of CACHES, with any BACKEND, changing no setting.

Counted as by django-prometheus' backends: what `get` finds, `None` being nothing; of `get_many` each key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from inspect import iscoroutinefunction
from typing import Any, Final, final

from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from wrapt import FunctionWrapper, wrap_function_wrapper

from django_observe.records import CacheGet
from django_observe.reporting import guard, report

_MISSING: Final = object()
_NAMES: Final = {
    "django.core.cache.backends.redis": "native_redis",
    "django_redis.cache": "redis",
}
"""Django-prometheus' names where they are not the module's own."""

_THEIRS: Final = "django_prometheus.cache."
_DJANGOS: Final = "django.core.cache.backends."

_busy: ContextVar[object] = ContextVar("django_observe_cache", default=None)
_installed = False


def install() -> None:
    """Watches every cache that is there and every one that will be made. May be called again."""
    global _installed
    if not _installed:
        _installed = True
        wrap_function_wrapper(CacheHandler, "create_connection", _created)
        for cache in caches.all(initialized_only=True):
            _watch(cache)


@contextmanager
def uncounted(cache: Any) -> Iterator[None]:
    """For what is not the project's own: lookups of `cache` in this block count nowhere."""
    token = _busy.set(cache)
    try:
        yield
    finally:
        _busy.reset(token)


def _created(
    wrapped: Callable[..., Any], _: CacheHandler, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    cache = wrapped(*args, **kwargs)
    _watch(cache)
    return cache


def _watch(cache: Any) -> None:
    """Wraps the lookups of one cache object. Those that BaseCache makes of others are counted there."""
    with guard("cache"):
        kind = type(cache)
        if any(each.__module__.startswith(_THEIRS) for each in kind.__mro__):
            return
        for name, (watched, watched_async) in _WATCHED.items():
            if name == "get" or getattr(kind, name) is not getattr(BaseCache, name, None):
                wrapper = watched_async if iscoroutinefunction(getattr(kind, name)) else watched
                setattr(cache, name, FunctionWrapper(getattr(cache, name), partial(wrapper, name)))


@final
class _Lookup:
    """One lookup, counted when it is over; those that the cache itself makes meanwhile are part of it."""

    __slots__ = ("_cache", "_token", "hits", "keys")

    def __init__(self, cache: Any, keys: int = 1) -> None:
        self._cache = cache
        self.keys, self.hits = keys, 0

    def __enter__(self) -> _Lookup:
        self._token = _busy.set(self._cache)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        _busy.reset(self._token)
        kind: Any = type(self._cache)
        with guard("cache"):
            report(_record(kind, self.keys, self.hits, failure is not None))


def _get(name: str, _: Any, cache: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    method = _method(cache, name)
    if _busy.get() is cache:
        return method(*args, **kwargs)
    default, args, kwargs = _marked(args, kwargs)
    with _Lookup(cache) as lookup:
        found = method(*args, **kwargs)
        lookup.hits = int(found is not None and found is not _MISSING)
    return default if found is _MISSING else found


async def _aget(name: str, _: Any, cache: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    method = _method(cache, name)
    if _busy.get() is cache:
        return await method(*args, **kwargs)
    default, args, kwargs = _marked(args, kwargs)
    with _Lookup(cache) as lookup:
        found = await method(*args, **kwargs)
        lookup.hits = int(found is not None and found is not _MISSING)
    return default if found is _MISSING else found


def _get_many(name: str, _: Any, cache: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    method = _method(cache, name)
    if _busy.get() is cache:
        return method(*args, **kwargs)
    keys, args, kwargs = _counted(args, kwargs)
    with _Lookup(cache, keys) as lookup:
        found = method(*args, **kwargs)
        lookup.hits = len(found) if isinstance(found, Sized) else 0
    return found


async def _aget_many(name: str, _: Any, cache: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    method = _method(cache, name)
    if _busy.get() is cache:
        return await method(*args, **kwargs)
    keys, args, kwargs = _counted(args, kwargs)
    with _Lookup(cache, keys) as lookup:
        found = await method(*args, **kwargs)
        lookup.hits = len(found) if isinstance(found, Sized) else 0
    return found


_WATCHED: Final = {
    "get": (_get, _aget),
    "aget": (_get, _aget),
    "get_many": (_get_many, _aget_many),
    "aget_many": (_get_many, _aget_many),
}
"""Lookups, with what stands around one that is sync or async, whatever its name says."""


def _method(cache: Any, name: str) -> Any:
    """The cache's own method as its class has it now: a test may have patched that."""
    for kind in type(cache).__mro__:
        if name in vars(kind):
            found = vars(kind)[name]
            return found.__get__(cache, type(cache)) if hasattr(found, "__get__") else found
    raise AttributeError(name)


def _marked(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The default of `get(key, default)`, and the arguments with a mark in its place.

    Only a mark tells a cached False from one that was given as the default; `get_or_set` does the same.
    """
    if len(args) > 1 and args[1] is not None:
        return args[1], (args[0], _MISSING, *args[2:]), kwargs
    if kwargs.get("default") is not None:
        return kwargs["default"], args, {**kwargs, "default": _MISSING}
    return None, args, kwargs


def _counted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, tuple[Any, ...], dict[str, Any]]:
    """How many keys are asked for, and the arguments; keys that can be read once only become a list."""
    keys = args[0] if args else kwargs.get("keys", ())
    if isinstance(keys, Sized):
        return len(keys), args, kwargs
    if not isinstance(keys, Iterable):
        return 1, args, kwargs
    listed = list(keys)
    return len(listed), (listed, *args[1:]) if args else (), kwargs if args else {**kwargs, "keys": listed}


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
