"""Views of the group concurrency: work that a request hands to threads, tasks and a forked process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context as Variables
from contextvars import copy_context
from functools import partial
from threading import Event, Thread, Timer
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path
from opentelemetry import trace
from opentelemetry.context import Context

from tests.conformance.project.kit import KIT, correlation_id
from tests.conformance.project.witness import left, witness

PAUSE = 0.05
"""Seconds that the requests of a crowd wait for one another."""

shared = ThreadPoolExecutor(2)
only = ThreadPoolExecutor(1)
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


class Worker(Thread):
    """A thread with a `run` of its own, which nobody can carry anything into from outside."""

    def __init__(self, what: Callable[[], None]) -> None:
        super().__init__()
        self.what = what

    def run(self) -> None:
        self.what()


def finished(thread: Thread) -> None:
    thread.start()
    thread.join()


def submit(key: str) -> None:
    """The thread says what is left in it as soon as the work has ended."""
    handed_in = Event()
    told: Future[None] = Future()

    def after(_: Future[None]) -> None:
        left(key, Context())
        told.set_result(None)

    def held_up() -> None:
        handed_in.wait()
        work(key)

    future = only.submit(held_up)
    future.add_done_callback(after)
    handed_in.set()
    told.result()


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
    await asyncio.get_running_loop().run_in_executor(None, work, key)


WAYS: dict[str, Callable[[str], Any]] = {
    "thread": lambda key: finished(Thread(target=work, args=(key,))),
    "timer": lambda key: finished(Timer(0, work, (key,))),
    "outliving-timer": lambda key: Timer(PAUSE, work, (key,)).start(),
    "submit": submit,
    "map": lambda key: list(shared.map(work, [key])),
    "copy_context": lambda key: finished(Worker(partial(copy_context().run, work, key))),
    "rebind": lambda key: finished(Worker(rebind(partial(work, key)))),
    "async_to_sync": async_to_sync(awork),
    "nobody": of_nobody,
    "fork": fork,
    "process": process,
}
ASYNC_WAYS: dict[str, Callable[[str], Any]] = {
    "create_task": create_task,
    "gather": gather,
    "outlive": outlive,
    "sync_to_async": sync_to_async(work),
    "sync_to_async-thread": sync_to_async(work, thread_sensitive=False),
    "to_thread": lambda key: asyncio.to_thread(work, key),
    "run_in_executor": in_executor,
}


def hand_over(request: HttpRequest, way: str) -> HttpResponse:
    WAYS[way](request.GET["key"])
    return HttpResponse(correlation_id())


async def ahand_over(request: HttpRequest, way: str) -> HttpResponse:
    await ASYNC_WAYS[way](request.GET["key"])
    return HttpResponse(correlation_id())


def crowd(request: HttpRequest) -> HttpResponse:
    """One of many at a time, which share a pool."""
    time.sleep(PAUSE)
    shared.submit(work, request.GET["key"]).result()
    return HttpResponse(correlation_id())


async def acrowd(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(PAUSE)
    await asyncio.get_running_loop().run_in_executor(shared, work, request.GET["key"])
    return HttpResponse(correlation_id())


urlpatterns = [
    path("sync/<way>/", hand_over),
    path("async/<way>/", ahand_over),
    path("crowd/", crowd),
    path("acrowd/", acrowd),
]
