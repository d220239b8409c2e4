"""Work done by child processes: `python -m tests.faults.project.children Process spawn`."""

from __future__ import annotations

import logging
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext

import django

WORK = 4


def work(number: int) -> int:
    """One span and one log record; a child that was not forked has everything to set up."""
    django.setup()
    from opentelemetry import trace

    with trace.get_tracer("faults").start_as_current_span("work"):
        logging.getLogger("faults").info("worked %d", number)
    return number


def by_process(context: BaseContext) -> None:
    """A child for each piece of work."""
    children = [context.Process(target=work, args=(number,)) for number in range(WORK)]  # type: ignore[attr-defined]
    for child in children:
        child.start()
    for child in children:
        child.join()


def by_pool(context: BaseContext) -> None:
    """Two children, which are told to end by SIGTERM when the block does."""
    with context.Pool(2) as pool:
        pool.map(work, range(WORK), chunksize=1)


def by_executor(context: BaseContext) -> None:
    """Two children, which leave when there is no more work."""
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        list(pool.map(work, range(WORK)))


if __name__ == "__main__":
    django.setup()
    way = {"Process": by_process, "Pool": by_pool, "ProcessPoolExecutor": by_executor}[sys.argv[1]]
    way(multiprocessing.get_context(sys.argv[2]))
