"""The process that is measured: `python -m tests.benchmarks.cost.child json orm`, then orders on stdin.

`ready` collects what is garbage; `json 100` makes 100 requests and exports what they left. Each is answered
with a line: the CPU seconds that it took, exports and all threads included.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from time import process_time

from tests.benchmarks.cost import breakages, seconds
from tests.benchmarks.cost.callers import CALLS, Call
from tests.benchmarks.cost.configurations import chosen

WARM = 30
"""Requests of each view before the first order: caches fill, imports happen."""

FLUSH_SECONDS = 60


def start() -> None:
    """Django as its WSGI or ASGI module starts it, and a database with one row."""
    import django

    if chosen().assembly == "hand":
        from tests.benchmarks.cost import hand

        hand.trace()
    django.setup()
    if chosen().tenth:
        _sample_every_tenth()

    from django.contrib.auth.models import Group
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    Group.objects.create(name="group")


def flush() -> None:
    """Exports what is queued, in the assembly's own way.

    Raises:
        RuntimeError: not all of it was taken.
    """
    if chosen().traces and not _exported():
        raise RuntimeError("not all that was queued was exported")


def serve(orders: Iterator[str], answer: Callable[[str], None], calls: dict[str, Call]) -> None:
    """Takes orders until there are no more."""
    numbers = count(1)
    for call in calls.values():
        for _ in range(WARM):
            call(next(numbers))
    flush()
    answer("warm")
    for order in orders:
        if order.strip() == "ready":
            gc.collect()
            gc.freeze()
            answer("ready")
            continue
        name, number = order.split()
        call, started = calls[name], process_time()
        with seconds.beginning():
            call(next(numbers))
        for _ in range(int(number) - 1):
            call(next(numbers))
        flush()
        answer(f"{process_time() - started}")


def main() -> None:
    """What the service prints goes where BENCH_OUT says, else nowhere; the answers to stdout as it was."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    out = os.open(os.environ.get("BENCH_OUT", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    breakages.apply()
    start()
    serve(iter(sys.stdin.readline, ""), lambda line: print(line, file=answers), _calls(sys.argv[1:]))


def _calls(names: list[str]) -> dict[str, Call]:
    return {name: CALLS[name]() for name in names}


def _exported() -> bool:
    if chosen().assembly == "hand":
        from tests.benchmarks.cost import hand

        return hand.flush()
    from django_observe import export

    return export.flush(FLUSH_SECONDS)


def _sample_every_tenth() -> None:
    """Trace IDs of which the ratio sampler takes one in ten; by chance their number would vary."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    numbers = count(1)

    def generate_trace_id(self: RandomIdGenerator) -> int:
        number = next(numbers)
        least = 0 if number % 10 == 0 else 1 << 63
        return (number << 64) | least | number

    RandomIdGenerator.generate_trace_id = generate_trace_id  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
