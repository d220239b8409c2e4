"""What a receiver's trouble costs a request: p50 and p99 of a busy service, by what the receiver does.

`make latency`: gunicorn with gthread workers at 30 % of its capacity, spans and logs by OTLP. The receiver
goes ok, mode, ok, another mode, ok, ... in random order, several rounds; each block of a mode is compared
with the two of `ok` beside it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import NamedTuple

from demo_services.ports import free_port
from tests.benchmarks.ratios import Block, Ratio, Slices, ratio
from tests.faults.page import PAGE, with_block
from tests.faults.receivers import MODES
from tests.faults.walk import Walk
from tests.load import Answered, load
from tests.processes import Process
from tests.tables import ROOT, grid

PATH = "/busy/"
SHARE = 0.3
"""Of the requests a second that the service can answer."""

LIMIT = 1.10
SETTLE = 2.0
"""Seconds after each change that are not measured: what waited from the mode before is delivered in them."""

AGAIN = "ok, again"
"""Compared with itself: what the noise alone makes of it."""


class Span(NamedTuple):
    """When a mode was measured, monotonic seconds."""

    mode: str
    start: float
    end: float


class Receiver:
    """The walk through the modes, in a process of its own: its work is not the load's."""

    def __init__(self, orders: Connection[str, dict[str, str]]) -> None:
        self._orders = orders
        self.environment: dict[str, str] = orders.recv()

    def enter(self, mode: str) -> None:
        """Returns when it has."""
        self._orders.send(mode)
        self._orders.recv()


def _walk(orders: Connection[dict[str, str], str], folder: str) -> None:
    with Walk(Path(folder)) as walk:
        orders.send(walk.environment)
        while mode := orders.recv():
            walk.enter(mode)
            orders.send({})


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Starts it."""
    ours, theirs = multiprocessing.Pipe()
    with TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=_walk, args=(theirs, folder))
        process.start()
        try:
            yield Receiver(ours)
        finally:
            ours.send("")
            process.join(10)


def measure(rounds: int, block: float, random: Random) -> tuple[float, list[Span], list[Answered]]:
    """The load's rate, when which mode was measured, and every request."""
    with ExitStack() as stack:
        walk = stack.enter_context(receiver())
        url = _service(stack, walk.environment)
        with load(url, PATH, rate=0, seconds=3) as most:
            rate = SHARE * len(most.answers()) / 3
        order = [mode for _ in range(rounds) for mode in random.sample([*MODES[1:], AGAIN], len(MODES))]
        seconds = (2 * len(order) + 1) * (SETTLE + block) + 1
        with load(url, PATH, rate=rate, seconds=seconds) as sent:
            sleep(1)
            spans = [_measured(walk, "ok", block)]
            for mode in order:
                spans += [_measured(walk, mode, block), _measured(walk, "ok", block)]
            return rate, spans, sent.answers()


def _service(stack: ExitStack, environment: dict[str, str]) -> str:
    url = f"127.0.0.1:{free_port()}"
    argv = ["gunicorn", "-c", "python:django_observe.gunicorn", "-w", "2", "-k", "gthread", "--threads", "4"]
    argv += ["-b", url, "tests.faults.project.wsgi"]
    variables = {**environment, "DJANGO_SETTINGS_MODULE": "tests.faults.project.settings"}
    process = stack.enter_context(Process([sys.executable, "-m", *argv], cwd=ROOT, env=variables))
    process.wait_for_http(f"http://{url}/")
    return f"http://{url}"


def _measured(walk: Receiver, mode: str, block: float) -> Span:
    walk.enter("ok" if mode == AGAIN else mode)
    sleep(SETTLE)
    start = monotonic()
    sleep(block)
    return Span(mode, start, start + block)


def blocks_of(spans: Sequence[Span], answers: Sequence[Answered]) -> dict[str, list[Block]]:
    """By mode: its blocks with what was beside them."""
    found: dict[str, list[Block]] = {}
    for before, own, after in zip(spans[:-2:2], spans[1:-1:2], spans[2::2], strict=True):
        found.setdefault(own.mode, []).append(
            Block(*(_slices(span, answers) for span in (before, own, after)))
        )
    return found


def _slices(span: Span, answers: Sequence[Answered]) -> Slices:
    slices: dict[int, list[float]] = {}
    for answer in answers:
        if span.start <= answer.started < span.end:
            slices.setdefault(int(answer.started - span.start), []).append(answer.seconds)
    return list(slices.values())


def table(blocks: dict[str, list[Block]], random: Random) -> str:
    """By mode: both quantiles, and whether they keep within the limit."""
    rows = []
    for mode in (*MODES[1:], AGAIN):
        half, tail = (ratio(blocks[mode], share, random) for share in (0.5, 0.99))
        rows.append([mode, *_told(half), *_told(tail), _verdict(half, tail)])
    head = ["", "p50", "beside ok", "ratio (95 %)", "p99", "beside ok", "ratio (95 %)", "within 10 %"]
    return grid(head, rows)


def _told(found: Ratio) -> list[str]:
    return [
        f"{found.own * 1_000:.2f} ms",
        f"{found.reference * 1_000:.2f} ms",
        f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})",
    ]


def _verdict(*found: Ratio) -> str:
    """By the upper end of the interval, not by the figure."""
    if all(each.high <= LIMIT for each in found):
        return "yes"
    return "**no**" if any(each.low > LIMIT for each in found) else "too noisy to say"


def main() -> int:
    """Measures, prints the table, and with --write puts it on the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--block", type=float, default=6, help="seconds")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    random = Random(5)
    rate, spans, answers = measure(given.rounds, given.block, random)
    failed = sum(answer.status != 200 for answer in answers)
    now = datetime.now(timezone.utc)
    told = (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}) shared with the load and the "
        f"receiver, Python {platform.python_version()}:\n{rate:.0f} requests a second, {len(answers)} in "
        f"all, {failed} failed; {given.rounds} blocks of {given.block:.0f} s for each mode.\n\n"
        f"{table(blocks_of(spans, answers), random)}"
    )
    sys.stdout.write(f"{told}\n")
    if given.write:
        PAGE.write_text(with_block(PAGE.read_text(), "latency", told))
    return 1 if "**no**" in told or failed else 0


if __name__ == "__main__":
    sys.exit(main())
