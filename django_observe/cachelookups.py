"""One lookup in a cache: what is asked for and found, and the counting of it."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from django.core.cache.backends.base import BaseCache

from django_observe import metrics, reporting
from django_observe.reporting import guard, report

if TYPE_CHECKING:
    from django_observe.records import CacheGet

_NAMES: Final = {
    "django.core.cache.backends.redis": "native_redis",
    "django_redis.cache": "redis",
}
"""Django-prometheus' names where they are not the module's own."""

_DJANGOS: Final = "django.core.cache.backends."

_Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

busy: ContextVar[object] = ContextVar("django_observe_cache", default=None)
"""The cache that is being asked."""

_guard = guard("cache")


class Lookup:
    """One `get`, counted when it is over; what the cache asks itself meanwhile is part of it."""

    __slots__ = ("_around", "_cache", "_default", "hits", "keys")

    def __init__(self, cache: Any, around: object) -> None:
        self._cache, self._around, self._default = cache, around, None
        self.keys, self.hits = 1, 0

    def __enter__(self) -> None:
        busy.set(self._cache)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        busy.set(self._around)  # no reset: an async lookup may be closed in another context
        count(type(self._cache), max(self.keys, self.hits), self.hits, failure is not None)

    def asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        """Reads what is asked for, and returns it."""
        self._default = args[1] if len(args) > 1 else kwargs.get("default")
        return args, kwargs

    def found(self, found: Any) -> None:
        """Counts what was found."""
        self.hits = int(found is not None and found is not self._default)


@final
class Lookups(Lookup):
    """One `get_many`."""

    __slots__ = ()

    def asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        """Counts the keys; those that can be read only once are counted as the cache reads them."""
        with _guard:
            keys = args[0] if args else kwargs.get("keys")
            if isinstance(keys, Sized):
                self.keys = len(keys)
            elif isinstance(keys, Iterator):
                self.keys, read = 0, self._read(keys)
                return ((read, *args[1:]), kwargs) if args else (args, {**kwargs, "keys": read})
        return args, kwargs

    def found(self, found: Any) -> None:
        """Counts the keys that were found."""
        with _guard:
            self.hits = len(found) if isinstance(found, Sized) else 0

    def _read(self, keys: Iterator[Any]) -> Iterator[Any]:
        for key in keys:
            self.keys += 1
            yield key


def count(kind: type, keys: int, hits: int, failed: bool) -> None:
    """Counts a lookup of so many keys in a cache of that class."""
    try:
        backend = backend_of(kind)
        counter = reporting.shortcuts.get(("CacheGet", backend))
        if counter is None or failed:
            _report(backend, keys, hits, failed)
        else:
            counter(keys, hits)
    except BaseException:
        with _guard:  # entered here alone: a guard around all that takes 2k instructions
            raise


def _report(backend: str, keys: int, hits: int, failed: bool) -> None:
    lookup = _record(backend, keys, hits, failed)
    report(lookup)
    metrics.shorten(type(lookup), backend)


@lru_cache(maxsize=1_024)
def _record(backend: str, keys: int, hits: int, failed: bool) -> CacheGet:
    """Lookups are many and their outcomes few: equal records are one."""
    from django_observe.records import CacheGet

    return CacheGet(backend=backend, keys=keys, hits=hits, failed=failed)


@lru_cache(maxsize=1_024)
def backend_of(kind: type) -> str:
    """The label of a class of caches: django-prometheus' word for it; a third party's has its own name."""
    for each in kind.__mro__:
        module = each.__module__
        if module in _NAMES:
            return _NAMES[module]
        if module.startswith(_DJANGOS) and each is not BaseCache:
            return module.removeprefix(_DJANGOS)
    return kind.__name__
