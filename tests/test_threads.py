"""Threads and executors: they go on under the ID of what started them; what is shared begins with none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils.functional import SimpleLazyObject
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.trace import NonRecordingSpan, SpanContext

from django_observe import correlated, correlation_id, rebind, reporting, threads

ROOT = Path(__file__).parent.parent
SPAN = SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False)
Seen = tuple[str | None, int]


@pytest.fixture(autouse=True)
def installed() -> None:
    threads.install()


@pytest.fixture
def here() -> Iterator[None]:
    """An ID and a span are current."""
    with correlated("started-here"), trace.use_span(NonRecordingSpan(SPAN)):
        yield
    assert get_current() == {}


def seen() -> Seen:
    return correlation_id(), trace.get_current_span().get_span_context().span_id


CARRIED: Seen = ("started-here", SPAN.span_id)
NOTHING: Seen = (None, 0)


def in_thread() -> Seen:
    future: Future[Seen] = Future()
    thread = threading.Thread(target=lambda: future.set_result(seen()))
    thread.start()
    thread.join()
    return future.result()


def in_timer() -> Seen:
    future: Future[Seen] = Future()
    threading.Timer(0, lambda: future.set_result(seen())).start()
    return future.result(5)


def submitted() -> Seen:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(seen).result()


def mapped() -> Seen:
    with ThreadPoolExecutor(1) as pool:
        return next(pool.map(lambda _: seen(), [0]))


async def of_a_task() -> Seen:
    async def later() -> Seen:
        await asyncio.sleep(0)
        return seen()

    [alone, gathered] = [await asyncio.create_task(later()), *await asyncio.gather(later())]
    assert alone == gathered
    return alone


async def of_the_loops_executor() -> Seen:
    return await asyncio.get_running_loop().run_in_executor(None, seen)


async def of_a_sync_function() -> Seen:
    return await sync_to_async(seen, thread_sensitive=False)()


WAYS: list[Callable[[], Seen]] = [
    in_thread,
    in_timer,
    submitted,
    mapped,
    lambda: asyncio.run(of_a_task()),
    lambda: asyncio.run(of_the_loops_executor()),
    lambda: asyncio.run(of_a_sync_function()),
    async_to_sync(of_a_task),
    lambda: copy_context().run(seen),
]
NAMES = [
    "thread",
    "timer",
    "submit",
    "map",
    "task",
    "run_in_executor",
    "sync_to_async",
    "async_to_sync",
    "copy_context",
]


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_what_is_carried_without_the_users_doing(way: Callable[[], Seen], here: None) -> None:
    assert way() == CARRIED


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_nothing_is_there_where_there_was_nothing(way: Callable[[], Seen]) -> None:
    assert way() == NOTHING


def test_a_thread_with_a_run_of_its_own_is_rebound(here: None) -> None:
    class Worker(threading.Thread):
        def __init__(self, work: Callable[[], Seen]) -> None:
            super().__init__()
            self.work = work

        def run(self) -> None:
            self.result = self.work()

    plain, rebound = Worker(seen), Worker(rebind(seen))
    for worker in (plain, rebound):
        worker.start()
        worker.join()
    assert (plain.result, rebound.result) == (NOTHING, CARRIED)


def test_a_pools_thread_is_not_the_requests_that_started_it() -> None:
    between: Future[Seen] = Future()
    begun: Future[Seen] = Future()
    with ThreadPoolExecutor(1, initializer=lambda: begun.set_result(seen())) as pool:
        with correlated("came-first-1"):
            finish = threading.Event()
            first = pool.submit(lambda: (finish.wait(5), seen())[1])
            first.add_done_callback(lambda _: between.set_result(seen()))
            finish.set()
        with correlated("came-later-2"):
            later = pool.submit(seen).result()
        of_nobody = pool.submit(seen).result()
    assert first.result() == ("came-first-1", 0)
    assert later == ("came-later-2", 0)
    assert [of_nobody, between.result(), begun.result()] == [NOTHING] * 3


def in_a_pool(found: Future[Seen]) -> None:
    """As if its module were a client's."""
    found.set_result(seen())


class Loop:
    def run_forever(self, found: Future[Seen]) -> None:
        found.set_result(seen())


@pytest.mark.parametrize(
    "begun",
    [
        lambda found: threading.Thread(target=partial(in_a_pool, found)),
        lambda found: threading.Thread(target=partial(partial(in_a_pool), found)),
        lambda found: threading.Timer(0, in_a_pool, (found,)),
        lambda found: threading.Timer(0, partial(in_a_pool, found)),
        lambda found: threading.Thread(target=Loop().run_forever, args=(found,)),
    ],
    ids=["partial", "partial of a partial", "timer", "timer with a partial", "event loop"],
)
def test_what_serves_whoever_comes_next_is_known_however_it_is_called(
    begun: Callable[[Future[Seen]], threading.Thread], here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_a_pool, "__module__", "newrelic.core.agent")
    found: Future[Seen] = Future()
    begun(found).start()
    assert found.result(5) == NOTHING


class Odd:
    """Has a name that no set can hold."""

    __name__ = cast("str", [])

    def __init__(self, found: Future[Seen]) -> None:
        self.found = found

    def __call__(self) -> None:
        self.found.set_result(seen())


class Falsy(Odd):
    """Its truth cannot be told but where it works."""

    def __len__(self) -> int:
        if threading.current_thread().name != "worker":
            raise RuntimeError("not here")
        return 1


class Items(dict[str, int]):
    """Attributes are items, and a name is none."""

    __getattr__ = dict.__getitem__

    def __init__(self, found: Future[Seen]) -> None:
        super().__init__(a=1)
        self.__dict__["found"] = found

    def __call__(self) -> None:
        self.__dict__["found"].set_result(seen())


@pytest.mark.parametrize("kind", [Odd, Falsy, Items])
def test_an_object_that_cannot_be_asked_for_its_name_is_started_all_the_same(
    kind: Callable[[Future[Seen]], Callable[[], None]], here: None
) -> None:
    found: Future[Seen] = Future()
    failures = reporting.failures()
    threading.Thread(target=kind(found), name="worker").start()
    assert found.result(5) == CARRIED
    assert reporting.failures() == failures


class LazyWork(SimpleLazyObject):  # type: ignore[type-arg]
    """Can be called, which Django's own cannot."""

    def __call__(self) -> None:
        self.work()


def test_a_lazy_object_is_set_up_by_the_thread_that_calls_it() -> None:
    found: Future[str] = Future()

    def set_up() -> SimpleNamespace:
        name = threading.current_thread().name
        return SimpleNamespace(work=lambda: found.set_result(name))

    threading.Thread(target=LazyWork(set_up), name="worker").start()
    assert found.result(5) == "worker"


def test_a_thread_whose_target_cannot_be_read_is_started_all_the_same() -> None:
    class Unreadable(partial[None]):
        func = property(lambda _: 1 // 0)

    done = threading.Event()
    before = reporting.failures().get("threads", 0)
    thread = threading.Thread(target=Unreadable(done.set), name="named")
    thread.start()
    thread.join()
    assert done.is_set()
    assert reporting.failures()["threads"] > before


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_whose_target_has_items_for_attributes_is_started() -> None:
    child = get_context("fork").Process(target=Items(Future()))
    child.start()
    child.join()
    assert child.exitcode == 0


class Pool:
    """As if its class were a client's."""

    __module__ = "newrelic.core.agent"

    def __call__(self, found: Future[Seen]) -> None:
        found.set_result(seen())


@pytest.mark.parametrize("target", [Pool(), partial(Pool())], ids=["object", "partial"])
def test_an_object_is_known_by_its_class(target: Callable[[Future[Seen]], None], here: None) -> None:
    found: Future[Seen] = Future()
    threading.Thread(target=target, args=(found,)).start()
    assert found.result(5) == NOTHING


def test_a_loop_that_runs_until_its_work_is_done_is_the_requests(here: None) -> None:
    found: Future[Seen] = Future()

    async def work() -> None:
        found.set_result(seen())

    thread = threading.Thread(target=partial(asyncio.run), args=(work(),))
    thread.start()
    thread.join()
    assert found.result() == CARRIED


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_pools_process_is_not_the_requests_that_forked_it() -> None:
    with correlated("came-first-1"), ProcessPoolExecutor(1, get_context("fork")) as pool:
        assert pool.submit(seen).result() == NOTHING


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_for_a_request_has_its_id(here: None) -> None:
    fork = get_context("fork")
    told: SimpleQueue[Seen] = fork.SimpleQueue()
    child = fork.Process(target=lambda: told.put(seen()))
    child.start()
    child.join()
    assert told.get() == CARRIED


def test_it_imports_nothing_of_opentelemetrys_where_tracing_is_off() -> None:
    program = (
        "import sys, django; django.setup(); print([name for name in sys.modules"
        " if name.startswith(('packaging', 'opentelemetry.instrumentation.threading', 'opentelemetry.sdk'))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert ran.stdout == "[]\n"


def test_a_pool_that_takes_work_its_own_way_has_nobodys_id() -> None:
    with correlated("started-pool"):
        pool = ThreadPool(1)
        try:
            assert pool.apply(seen) == NOTHING
            assert pool.apply(rebind(seen)) == ("started-pool", 0)
        finally:
            pool.close()
            pool.join()


def test_what_a_thread_of_the_project_must_not_inherit_is_started_in_an_empty_context(here: None) -> None:
    found: list[Seen] = []
    thread = threading.Thread(target=lambda: found.append(seen()))
    Context().run(thread.start)
    thread.join()
    assert found == [NOTHING]


def test_installing_again_wraps_nothing_twice() -> None:
    before = threading.Thread.start, threading.Thread.run, ThreadPoolExecutor.submit
    threads.install()
    assert (threading.Thread.start, threading.Thread.run, ThreadPoolExecutor.submit) == before


def test_an_executor_that_pickles_its_work_is_left_alone() -> None:
    class Interpreters(ThreadPoolExecutor): ...

    module = SimpleNamespace(InterpreterPoolExecutor=Interpreters)
    threads._spare(cast("ModuleType", module))
    with correlated("not-carried1"), Interpreters(1) as pool:
        assert pool.submit(seen).result() == NOTHING


@pytest.mark.skipif(sys.version_info < (3, 14), reason="InterpreterPoolExecutor is of Python 3.14")
def test_work_for_other_interpreters_still_gets_there() -> None:
    from concurrent.futures import InterpreterPoolExecutor  # type: ignore[attr-defined,unused-ignore]

    with InterpreterPoolExecutor(1) as pool:
        assert pool.submit(abs, -1).result() == 1


PROGRAM = """
import sys, threading, warnings
{before}
import django; django.setup()
{after}
from django_observe import correlated, correlation_id
seen = []
with correlated("started-here"):
    thread = threading.Thread(target=lambda: seen.append(correlation_id()))
    thread.start(); thread.join()
print(seen[0], "opentelemetry.sdk" in sys.modules)
"""
OWN = "from opentelemetry.instrumentation.threading import ThreadingInstrumentor as I; I().{}()"


@pytest.mark.parametrize(
    ("before", "after", "variables", "expected"),
    [
        ("", "", {}, "started-here False"),
        ("", "", {"OTEL_SDK_DISABLED": "true"}, "started-here False"),
        ("", "", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "redis, threading"}, "None False"),
        ("", "", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, "None False"),
        (
            OWN.format("instrument"),
            "django.apps.apps.get_app_config('django_observe').ready()",
            {},
            "started-here",
        ),
    ],
    ids=["tracing off", "SDK disabled", "disabled", "all disabled", "beside OpenTelemetry's own"],
)
def test_it_is_on_unless_it_is_disabled_by_name(
    before: str, after: str, variables: dict[str, str], expected: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(before=before, after=after)],
        env={"PATH": "", "DJANGO_SETTINGS_MODULE": "tests.settings", **variables},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert ran.stderr == ""
    assert ran.stdout.startswith(expected)
