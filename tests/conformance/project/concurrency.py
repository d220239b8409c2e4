"""Views of the group concurrency: work that a request hands to threads, tasks and a forked process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context as Variables
from contextvars import copy_context
from functools import partial
from typing import Any

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path
from opentelemetry import trace

from tests.conformance.project.kit import KIT, correlation_id
from tests.conformance.project.watchedthreads import Watched, WatchedTimer, Worker, asked, begun, finished
from tests.conformance.project.witness import witness

PAUSE = 0.05
"""Seconds by which some work outlives its request."""

only = ThreadPoolExecutor(1)
"""Of one thread, so that whoever asks afterwards asks the thread that has worked."""

running: set[asyncio.Task[None]] = set()


def work(key: str, place: str = "work") -> None:
    """The far end: it has a span of its own."""
    with trace.get_tracer("conformance").start_as_current_span(place):
        witness(key, place)


async def awork(key: str) -> None:
    await asyncio.sleep(0)
    work(key)


def rebind(function: Callable[..., Any]) -> Callable[..., Any]:
    """Ours, or what a careful team writes for itself."""
    if KIT == "ours":
        import django_observe

        return django_observe.rebind(function)
    return partial(copy_context().run, function)


def submit(key: str) -> None:
    only.submit(work, key).result()
    asked(only, key).result()


def mapped(key: str) -> None:
    list(only.map(work, [key]))
    asked(only, key).result()


def of_nobody(key: str) -> None:
    """Work that no request hands in, in a thread that did the work of one."""
    Variables().run(only.submit, witness, key, "nobody").result()


def child_work(key: str) -> None:
    """Flushes by hand: neither kind of child runs what is registered for the exit."""
    work(key, "child")
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]


def fork(key: str) -> None:
    if (child := os.fork()) == 0:
        child_work(key)
        os._exit(0)
    os.waitpid(child, 0)


def process(key: str) -> None:
    child = multiprocessing.get_context("fork").Process(target=child_work, args=(key,))
    child.start()
    child.join()


async def create_task(key: str) -> None:
    await asyncio.create_task(awork(key))


async def gather(key: str) -> None:
    await asyncio.gather(awork(key), asyncio.sleep(0))


async def outlive(key: str) -> None:
    """The task works when its request has been answered."""

    async def later() -> None:
        await asyncio.sleep(PAUSE)
        work(key)

    task = asyncio.create_task(later())
    running.add(task)
    task.add_done_callback(running.discard)


async def in_executor(key: str) -> None:
    await asyncio.get_running_loop().run_in_executor(only, work, key)
    await asyncio.wrap_future(asked(only, key))


async def in_default_executor(key: str) -> None:
    asyncio.get_running_loop().set_default_executor(only)
    await asyncio.get_running_loop().run_in_executor(None, work, key)
    await asyncio.wrap_future(asked(only, key))


async def to_thread(key: str) -> None:
    asyncio.get_running_loop().set_default_executor(only)
    await asyncio.to_thread(work, key)
    await asyncio.wrap_future(asked(only, key))


async def in_sensitive_thread(key: str) -> None:
    """In the one thread that Django has for all synchronous code of a request.

    It is not waited for: where a middleware is synchronous, that thread waits for this view.
    """
    await sync_to_async(work)(key)
    request = SyncToAsync.thread_sensitive_context.get()
    asked(SyncToAsync.context_to_thread_executor[request], key)


async def in_any_thread(key: str) -> None:
    await sync_to_async(work, thread_sensitive=False, executor=only)(key)
    await asyncio.wrap_future(asked(only, key))


WAYS: dict[str, Callable[[str], Any]] = {
    "thread": lambda key: finished(key, Watched(target=work, args=(key,))),
    "timer": lambda key: finished(key, WatchedTimer(0, work, (key,))),
    "outliving-timer": lambda key: begun(key, WatchedTimer(PAUSE, work, (key,))),
    "submit": submit,
    "map": mapped,
    "copy_context": lambda key: finished(key, Worker(partial(copy_context().run, work, key))),
    "rebind": lambda key: finished(key, Worker(rebind(partial(work, key)))),
    "async_to_sync": async_to_sync(awork),
    "nobody": of_nobody,
    "fork": fork,
    "process": process,
}
ASYNC_WAYS: dict[str, Callable[[str], Any]] = {
    "create_task": create_task,
    "gather": gather,
    "outlive": outlive,
    "sync_to_async": in_sensitive_thread,
    "sync_to_async-thread": in_any_thread,
    "to_thread": to_thread,
    "run_in_executor": in_executor,
    "run_in_executor-default": in_default_executor,
}


def hand_over(request: HttpRequest, way: str) -> HttpResponse:
    WAYS[way](request.GET["key"])
    return HttpResponse(correlation_id())


async def ahand_over(request: HttpRequest, way: str) -> HttpResponse:
    await ASYNC_WAYS[way](request.GET["key"])
    return HttpResponse(correlation_id())


urlpatterns = [
    path("sync/<way>/", hand_over),
    path("async/<way>/", ahand_over),
]
