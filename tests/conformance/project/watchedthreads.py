"""Threads that say what is left in them when their work has ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context as Variables
from contextvars import copy_context
from inspect import unwrap
from threading import Thread, Timer
from typing import Any

from tests.conformance.project.witness import left

submit_bare: Callable[..., Any] = unwrap(ThreadPoolExecutor.submit)
"""As Python has it: what carries a context would hide what is left in the thread."""


class Watched(Thread):
    """A thread that says what is left in it when its work has ended; its name is the row's key."""

    def run(self) -> None:
        before = copy_context()
        super().run()
        left(self.name, before)


class WatchedTimer(Watched, Timer):
    """The same for a Timer."""


class Worker(Thread):
    """A thread with a `run` of its own, which nobody can carry anything into from outside."""

    def __init__(self, what: Callable[[], None]) -> None:
        super().__init__()
        self.what = what

    def run(self) -> None:
        before = copy_context()
        self.what()
        left(self.name, before)


def begun(key: str, thread: Thread) -> Thread:
    thread.name = key
    thread.start()
    return thread


def finished(key: str, thread: Thread) -> None:
    begun(key, thread).join()


def asked(pool: Executor, key: str) -> Future[None]:
    """Has the thread of a pool, which has only one, say what is left in it."""
    told: Future[None] = submit_bare(pool, left, key, Variables())
    return told
