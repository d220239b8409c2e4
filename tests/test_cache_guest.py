"""Caches that a project, its tests or another library have changed answer as if nobody counted."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import pickle
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.cache import CacheHandler, cache, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings
from prometheus_client import REGISTRY

from django_observe import cache as observed
from django_observe import metrics, reporting

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
NOTHING = object()


@pytest.fixture(autouse=True)
def _bound_anew() -> Iterator[None]:
    """Nothing here may count a failure of ours."""
    metrics.reset()
    caches["default"].clear()
    before = reporting.failures()
    yield
    metrics.reset()
    assert reporting.failures() == before


def made(kind: type | str, location: str = "") -> Any:
    """A cache as `caches[alias]` makes it."""
    path = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    return CacheHandler({"default": {"BACKEND": path, "LOCATION": location or path}})["default"]


@pytest.fixture
def grown() -> Callable[..., tuple[float, float]]:
    """By how much gets and hits of a backend have grown since the test began."""

    def now(backend: str) -> tuple[float, float]:
        names = ("django_cache_get_total", "django_cache_get_hits_total")
        gets, hits = (REGISTRY.get_sample_value(name, {"backend": backend}) or 0.0 for name in names)
        return gets, hits

    before = {name: now(name) for name in ("locmem", "filebased", "Kept", "OnlyOfTheObject", "InTheirOwnWay")}

    def since(backend: str = "locmem") -> tuple[float, float]:
        return now(backend)[0] - before[backend][0], now(backend)[1] - before[backend][1]

    return since


# --- Backends whose `get` is not BaseCache's


class Decoding(LocMemCache):
    """Hands its default on, as a value."""

    def get(self, key: Any, default: Any = "null", version: Any = None) -> Any:
        return json.loads(super().get(key, default, version))


class Versioned(LocMemCache):
    """Takes the version where others take the default."""

    def get(self, key: Any, version: Any = None) -> Any:  # type: ignore[override]
        return super().get(key, None, version)


class Calling(LocMemCache):
    """Calls a default."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        found = super().get(key, NOTHING, version)
        return found if found is not NOTHING else default() if callable(default) else default


class ReadThrough(LocMemCache):
    """Stores a default."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        found = super().get(key, None, version)
        if found is None:
            self.set(key, default)
        return default if found is None else found


class Asking(LocMemCache):
    """Asks its parent twice, in both ways."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        super().get(key, default, version)
        return super().get(key, default, version)

    async def aget(self, key: Any, default: Any = None, version: Any = None) -> Any:
        await super().aget(key, default, version)
        return await super().aget(key, default, version)


def test_a_default_reaches_a_backend_as_it_is(grown: Callable[..., tuple[float, float]]) -> None:
    assert made(Decoding).get("a", "[1]") == [1]
    assert made(Calling).get("a", lambda: 5) == 5
    through = made(ReadThrough)
    assert (through.get("a", 7), through.get("a")) == (7, 7)
    assert grown()[0] == 4


def test_a_version_may_come_second(grown: Callable[..., tuple[float, float]]) -> None:
    versioned = made(Versioned)
    versioned.set("a", "two", version=2)
    assert versioned.get("a", 2) == "two"
    assert grown() == (1, 1)


def test_what_a_backend_asks_its_parent_is_one_lookup(grown: Callable[..., tuple[float, float]]) -> None:
    asking = made(Asking)
    asking.set("a", 1)
    assert asking.get("a") == 1
    assert asyncio.run(asking.aget("a")) == 1
    assert asyncio.run(asking.aget("b", "else")) == "else"
    assert grown() == (3, 2)


def test_a_class_of_several_aliases_is_watched_once(grown: Callable[..., tuple[float, float]]) -> None:
    made(LOCMEM, location="one")
    watched = LocMemCache.get
    assert made(LOCMEM, location="two").get("a") is None
    assert LocMemCache.get is watched
    assert grown() == (1, 0)


def test_django_prometheus_caches_stay_theirs_beside_djangos(
    grown: Callable[..., tuple[float, float]],
) -> None:
    made(LOCMEM)  # the parent of theirs is watched from here on
    theirs = made("django_prometheus.cache.backends.locmem.LocMemCache", location="theirs")
    theirs.set("a", 1)
    assert theirs.get("a") == 1
    assert theirs.get_many(["a", "b"]) == {"a": 1}
    assert grown() == (3, 2)


# --- `get` of an object


class Spied(LocMemCache):
    """Replaces its own `get` as it is made."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: list[tuple[Any, ...]] = []
        found = self.get

        def get(*args: Any, **options: Any) -> Any:
            self.asked.append(args)
            return found(*args, **options)

        self.get = get  # type: ignore[method-assign]


def test_a_backend_may_replace_its_own_get(grown: Callable[..., tuple[float, float]]) -> None:
    spied = made(Spied)
    spied.set("a", 1)
    assert (spied.get("a"), spied.get("b", "else")) == (1, "else")
    assert spied.asked == [("a",), ("b", "else")]
    assert grown() == (2, 1)


def instrumented(handler: CacheHandler, alias: str) -> Any:
    """Gives every cache plain functions, as sentry-sdk (`cache_spans`) and django-debug-toolbar do."""
    created = BARE(handler, alias)
    for name in ("get", "get_many"):
        method = getattr(created, name)

        @functools.wraps(method)
        def spanned(*args: Any, _method: Any = method, **options: Any) -> Any:
            return _method(*args, **options)

        setattr(created, name, spanned)
    return created


BARE = inspect.unwrap(CacheHandler.create_connection)


class Fresh(LocMemCache):
    """Its first object is instrumented."""

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return super().get(key, default, version)


@pytest.mark.parametrize("kind", [LocMemCache, Fresh])
def test_what_other_instrumentation_puts_on_the_object_works_and_counts(
    kind: type, grown: Callable[..., tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CacheHandler, "create_connection", instrumented)
    monkeypatch.setattr(observed, "_installed", False)
    observed.install()  # theirs was first
    spanned = made(kind)
    spanned.clear()
    assert spanned.get("a", "else") == "else"
    spanned.set("a", 1)
    assert spanned.get("a") == 1
    assert spanned.get_many(["a", "b"]) == {"a": 1}
    assert vars(spanned)["get"].__name__ == "get"
    assert grown() == (4, 2)


class OnlyOfTheObject(BaseCache):
    """Its class has no `get`."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.get = self._get  # type: ignore[method-assign]

    def _get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return default


class InTheirOwnWay:
    """No BaseCache; one lookup is a static method, another no method at all, a third returns an awaitable."""

    get_many = {"a": 1}  # noqa: RUF012 - whatever that is

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        pass

    @staticmethod
    def get(key: Any, default: Any = None) -> Any:
        return default

    def aget(self, key: Any) -> Any:
        return asyncio.sleep(0, key)


class Mapped(MutableMapping[str, int], BaseCache):  # type: ignore[misc]
    """A cache that is a dict: `get` is the standard library's."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        BaseCache.__init__(self, params)

    def __getitem__(self, key: str) -> int:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1

    __setitem__ = __delitem__ = None  # type: ignore[assignment]


def test_unexpected_classes_work_uncounted(grown: Callable[..., tuple[float, float]]) -> None:
    assert made(OnlyOfTheObject).get("a", "else") == "else"
    theirs = made(InTheirOwnWay)
    assert (theirs.get("a", "else"), theirs.get_many) == ("else", {"a": 1})
    assert theirs.get is InTheirOwnWay.get

    async def look() -> Any:
        return await theirs.aget("a")

    assert asyncio.run(look()) == "a"
    assert (grown("OnlyOfTheObject"), grown("InTheirOwnWay")) == ((0, 0), (0, 0))


def test_the_standard_librarys_classes_are_left_alone() -> None:
    get = MutableMapping.get
    assert made(Mapped).get("a") == 1
    assert MutableMapping.get is get


# --- Copies


def test_caches_can_be_pickled_and_copied(tmp_path: Path) -> None:
    dummy, files = made(DummyCache), made(FileBasedCache, location=str(tmp_path))
    assert pickle.loads(pickle.dumps(dummy)).get("a", "else") == "else"  # noqa: S301 - our own
    assert copy.deepcopy(dummy).get("a", "else") == "else"
    assert pickle.loads(pickle.dumps(files.get))("a", "else") == "else"  # noqa: S301 - our own
    assert pickle.loads(pickle.dumps(LocMemCache.get)) is LocMemCache.get  # noqa: S301 - our own
    assert "get" not in vars(files)


def test_a_copy_of_a_cache_looks_into_its_own_keys(
    tmp_path: Path, grown: Callable[..., tuple[float, float]]
) -> None:
    files = made(FileBasedCache, location=str(tmp_path))
    copied = copy.copy(files)
    copied.key_prefix = "other"
    copied.set("a", 1)
    assert (copied.get("a"), files.get("a")) == (1, None)
    assert grown("filebased") == (2, 1)


# --- Tests of a project


def test_a_mock_of_the_class_gets_the_projects_arguments() -> None:
    watched = vars(LocMemCache)["get"]
    with mock.patch.object(LocMemCache, "get", return_value=1) as get:
        assert cache.get("a", "else") == 1
    get.assert_called_once_with("a", "else")
    with mock.patch.object(LocMemCache, "get", autospec=True) as get:
        cache.get("a", "else")
    get.assert_called_once_with(caches["default"], "a", "else")
    assert vars(LocMemCache)["get"] is watched


@pytest.mark.parametrize("autospec", [None, True])
def test_a_cache_may_be_made_while_its_class_is_mocked(
    autospec: bool | None, grown: Callable[..., tuple[float, float]]
) -> None:
    settings = {"default": {"BACKEND": LOCMEM, "LOCATION": "late"}}
    down = ConnectionError("down")
    with override_settings(CACHES=settings), mock.patch.object(LocMemCache, "get", autospec=autospec) as get:
        get.side_effect = down
        with pytest.raises(ConnectionError, match="down"):
            cache.get("a", "else")
        assert get.call_args.args[-2:] == ("a", "else")
    before = grown()[0]
    assert cache.get("a", "else") == "else"
    assert grown()[0] == before + 1


def test_a_mock_of_the_object_gets_the_projects_arguments() -> None:
    with mock.patch.object(caches["default"], "get", wraps=caches["default"].get) as get:
        assert cache.get("a", "else") == "else"
    get.assert_called_once_with("a", "else")
    with mock.patch("django.core.cache.cache.get", return_value=3):
        assert cache.get("a") == 3
    assert cache.get("a") is None
    assert mock.create_autospec(caches["default"]).get("a", "else") is not None


def test_a_method_looks_as_it_did() -> None:
    assert [*inspect.signature(caches["default"].get).parameters] == ["key", "default", "version"]
    assert (LocMemCache.get.__qualname__, LocMemCache.get.__module__) == (
        "LocMemCache.get",
        LocMemCache.__module__,
    )
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'key'"):
        cache.get()  # type: ignore[call-arg]


# --- Keys


class Kept(BaseCache):
    """Keeps the keys it was asked for, as it was given them."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.asked: Iterable[Any] = ()

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        self.asked = keys
        return self.answer(keys)

    def answer(self, keys: Any) -> dict[Any, Any]:
        return {key: True for key in keys if key == "a"}


class Again:
    """Keys that can be read again and again, of which there is no number."""

    def __iter__(self) -> Iterator[str]:
        return iter("ab")


def test_keys_reach_a_backend_as_they_are(grown: Callable[..., tuple[float, float]]) -> None:
    kept = made(Kept)
    for keys in (["a", "b"], Again(), ("a",), {"a": 1, "b": 2}):
        assert kept.get_many(keys) == {"a": True}
        assert kept.asked is keys
    assert grown("Kept")[1] == 4
    assert grown("Kept")[0] == 2 + 1 + 1 + 2


def test_keys_that_are_read_once_are_read_by_the_backend(grown: Callable[..., tuple[float, float]]) -> None:
    class UnreadError(Exception): ...

    def keys() -> Iterator[str]:
        yield "a"
        raise UnreadError

    kept = made(Kept)
    with (
        mock.patch.object(Kept, "answer", side_effect=UnreadError("before any key was read")),
        pytest.raises(UnreadError),
    ):
        kept.get_many(keys())
    assert next(iter(kept.asked)) == "a"
    with pytest.raises(UnreadError, match=r"^$"):
        kept.get_many(keys())
    assert kept.get_many(keys=iter("abc")) == {"a": True}
    assert grown("Kept") == (0 + 1 + 3, 1)
