"""What is asked of caches is counted, with any backend, and nothing that is answered changes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.cache import CacheHandler, InvalidCacheKey, cache, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings
from prometheus_client import REGISTRY

from demo_services.ports import free_port
from django_observe import dependencies, metrics
from django_observe.cachelookups import backend_of
from tests.processes import Process, require

FAMILIES = ("total", "hits_total", "misses_total", "fail_total")
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
Counts = tuple[float, float, float, float]


@pytest.fixture(autouse=True)
def _bound_anew() -> Iterator[None]:
    metrics.reset()
    caches["default"].clear()
    yield
    metrics.reset()


def counts(backend: str) -> Counts:
    """Gets, hits, misses, failures."""
    samples = (
        REGISTRY.get_sample_value(f"django_cache_get_{family}", {"backend": backend}) for family in FAMILIES
    )
    gets, hits, misses, failures = (value or 0.0 for value in samples)
    return gets, hits, misses, failures


@pytest.fixture
def grown() -> Callable[..., Counts]:
    """By how much the counts of a backend have grown since the test began."""
    before = {name: counts(name) for name in ("locmem", "native_redis", "filebased", "db", "Own", "Async")}

    def since(backend: str = "locmem") -> Counts:
        gets, hits, misses, failures = (
            now - then for now, then in zip(counts(backend), before[backend], strict=True)
        )
        return gets, hits, misses, failures

    return since


def test_hits_and_misses(grown: Callable[..., Counts]) -> None:
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b") is None
    assert cache.get("b", "else") == "else"
    assert cache.get(key="b", default="else", version=2) == "else"
    assert grown() == (4, 1, 3, 0)


@pytest.mark.parametrize(
    ("value", "hits"), [("else", 1), ([1], 1), (1_000, 1), (False, 0), (0, 0), ("", 0), ((), 0)]
)
def test_a_cached_value_that_equals_the_default_is_a_hit_unless_python_has_only_one_of_it(
    value: object, hits: int, grown: Callable[..., Counts]
) -> None:
    cache.set("a", value)
    assert cache.get("a", value) == value
    assert grown() == (1, hits, 1 - hits, 0)


def test_a_cached_none_is_what_it_is(grown: Callable[..., Counts]) -> None:
    cache.set("a", None)
    assert cache.get("a", "else") is None
    assert cache.get_or_set("a", "else") is None
    assert grown() == (2, 0, 2, 0)


def test_what_the_cache_asks_itself_counts_as_with_django_prometheus(grown: Callable[..., Counts]) -> None:
    assert cache.get_or_set("a", 1_000) == 1_000  # asks twice, before and after it adds
    assert cache.get_many(["a", "b", "c"]) == {"a": 1_000}
    assert cache.incr("a") == 1_001
    assert "a" in cache
    assert cache.add("a", 3) is False
    assert grown()[0] == 2 + 3
    assert grown()[:3] == (5, 2, 3)


def test_async_lookups_count(grown: Callable[..., Counts]) -> None:
    async def look() -> None:
        await cache.aset("a", 1)
        assert await cache.aget("a") == 1
        assert await cache.aget("b", "else") == "else"
        assert await cache.aget_many(iter(["a", "b"])) == {"a": 1}
        assert await cache.aget_or_set("c", "two") == "two"

    asyncio.run(look())
    assert grown() == (6, 3, 3, 0)


class Own(BaseCache):
    """A third party's: one argument more, a key that breaks, and a get that is a get_many."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.asked: list[tuple[Any, ...]] = []

    def get(self, key: Any, default: Any = None, version: Any = None, client: Any = None) -> Any:
        self.asked.append((key, version, client))
        if key == "broken":
            raise ConnectionError(key)
        return self.get_many([key]).get(key, default)

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        return {key: True for key in keys if key == "a"}


class Async(BaseCache):
    """A third party's without threads."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    async def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        await asyncio.sleep(0)
        return True if key == "a" else default

    async def aget(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return await self.get(key, default, version)

    async def aget_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        return {key: True for key in keys if await self.aget(key)}


def made(backend: str, location: str = "") -> Any:
    return CacheHandler({"default": {"BACKEND": backend, "LOCATION": location}})["default"]


def test_a_third_partys_backend_keeps_its_arguments_and_counts_once(grown: Callable[..., Counts]) -> None:
    own = made(f"{__name__}.Own")
    assert own.get("a", client="replica") is True
    assert own.asked == [("a", None, "replica")]
    assert own.get_many(key for key in "ab") == {"a": True}
    assert own.get_many(keys=["c"]) == {}
    assert [*inspect.signature(own.get).parameters] == ["key", "default", "version", "client"]
    assert grown("Own") == (4, 2, 2, 0)
    with pytest.raises(ConnectionError, match="broken"):
        own.get("broken")
    with pytest.raises(TypeError):
        own.get()
    assert grown("Own") == (6, 2, 2, 2)


def test_an_async_backend_counts_once(grown: Callable[..., Counts]) -> None:
    own = made(f"{__name__}.Async")

    async def look() -> None:
        assert await own.get("a") is True
        assert await own.aget("b", default="else") == "else"
        assert await own.aget_many(["a", "b"]) == {"a": True}

    asyncio.run(look())
    assert grown("Async") == (4, 2, 2, 0)


def test_a_key_that_is_refused_is_a_failure_and_still_refused(grown: Callable[..., Counts]) -> None:
    with (
        mock.patch.object(LocMemCache, "validate_key", side_effect=InvalidCacheKey),
        pytest.raises(InvalidCacheKey),
    ):
        cache.get("a")
    assert grown() == (1, 0, 0, 1)


def test_what_a_projects_test_puts_in_the_place_of_get_is_called() -> None:
    with mock.patch.object(LocMemCache, "get", return_value="patched") as patched:
        assert cache.get("a") == "patched"
    patched.assert_called_once_with("a")
    with mock.patch.object(caches["default"], "get", return_value="patched"):
        assert cache.get("a") == "patched"
    assert cache.get("a") is None


def test_files_count(tmp_path: Path, grown: Callable[..., Counts]) -> None:
    files = made("django.core.cache.backends.filebased.FileBasedCache", str(tmp_path))
    files.set("a", 1)
    assert files.get_many(["a", "b"]) == {"a": 1}
    assert grown("filebased") == (2, 1, 1, 0)


def test_redis_counts_and_its_loss_is_a_failure(grown: Callable[..., Counts]) -> None:
    port = free_port()
    program = require("redis-server", "redis-server")
    backend = "django.core.cache.backends.redis.RedisCache"
    with Process([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]) as server:
        server.wait_for_line("Ready to accept connections")
        redis = made(backend, f"redis://127.0.0.1:{port}")
        redis.set("a", False)
        assert redis.get("a", "else") is False
        assert redis.get_many(["a", "b"]) == {"a": False}
        assert redis.get_or_set("c", "three") == "three"
        assert grown("native_redis") == (5, 3, 2, 0)
        server.stop()
        with pytest.raises(Exception, match=r"Connection refused|closed by server"):
            redis.get("a")
        redis.close()
    assert grown("native_redis") == (6, 3, 2, 1)


def test_django_prometheus_own_backends_count_for_themselves(grown: Callable[..., Counts]) -> None:
    theirs = made("django_prometheus.cache.backends.locmem.LocMemCache", "theirs")
    theirs.set("a", 1)
    assert theirs.get("a") == 1
    assert grown() == (1, 1, 0, 0)


def test_a_readiness_probe_is_none_of_the_projects_lookups(grown: Callable[..., Counts]) -> None:
    dependencies.checks()["cache"]()
    assert grown() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (LOCMEM, "locmem"),
        ("django.core.cache.backends.db.DatabaseCache", "db"),
        ("django.core.cache.backends.memcached.PyMemcacheCache", "memcached"),
        ("django.core.cache.backends.redis.RedisCache", "native_redis"),
        (f"{__name__}.Own", "Own"),
    ],
)
def test_the_label_is_django_prometheus_word(path: str, label: str) -> None:
    from django.utils.module_loading import import_string

    assert backend_of(import_string(path)) == label
    assert backend_of(type("Mine", (import_string(path),), {})) == ("Mine" if label == "Own" else label)


@override_settings(CACHES={"default": {"BACKEND": LOCMEM, "LOCATION": "another"}})
def test_caches_that_settings_name_later_count_as_well(grown: Callable[..., Counts]) -> None:
    cache.get("a")
    assert grown() == (1, 0, 1, 0)
