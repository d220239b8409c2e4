"""Whether anything grows: a service and a worker under load for long, their receiver in every mode in turn.

`make longrun MINUTES=30`, or `python -m tests.faults.longrun --minutes 1`; exits with 1 unless all is flat.
"""

from __future__ import annotations

import argparse
import platform
import re
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from demo_services.ports import free_port
from tests.faults.page import with_block
from tests.faults.walk import CYCLE, Walk
from tests.faults.watched import LIMITS, Sample, Watched, children, slope, verdicts
from tests.load import Answered, load
from tests.oneline.broker import redis
from tests.processes import Process, get
from tests.tables import ROOT, grid

PAGE = ROOT / "docs/explanation/long-run.md"
PROJECT = "tests.faults.project"
RATE = 20.0
"""Requests a second."""
PATHS = (*["/busy/"] * 6, "/publish/", "/publish/", "/fail/", "/nowhere/")
LEAK = ("/leak/",)
EXPECTED = {"/fail/": 500, "/nowhere/": 404}
WARM_UP = 1 / 6
"""Of the whole time, not looked at; five minutes of thirty."""
HASTE = 5
"""Times the load in the warm-up: what is largest for a moment has been as large then."""


@dataclass
class Programs:
    """What is watched, and where its metrics are."""

    processes: dict[str, Process]
    url: str
    pages: tuple[str, ...]

    def watched(self) -> list[Watched]:
        """Every process of them: each main process and what it started."""
        found = []
        for name, process in self.processes.items():
            found.append(Watched(f"{name}, main process", process.pid))
            found += [
                Watched(f"{name}, process {number}", pid)
                for number, pid in enumerate(children(process.pid), 1)
            ]
        return found


@dataclass
class Found:
    """What a run has seen."""

    seconds: float
    step: float
    watched: list[Watched]
    started: float = 0
    """When the warm-up had ended."""
    answers: list[Answered] = field(default_factory=list)
    books: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def period(self) -> float:
        """Seconds of a walk through all modes."""
        return 0.75 * self.step * len(CYCLE)

    @property
    def is_flat(self) -> bool:
        """Whether nothing grew, in any process."""
        return all(verdicts(each.since(self.started), self.period) == "flat" for each in self.watched)


@contextmanager
def programs(environment: dict[str, str], stack: ExitStack) -> Iterator[Programs]:
    """Gunicorn with two workers of four threads, and a Celery worker with two pool processes."""
    broker, web, page = stack.enter_context(redis()), free_port(), free_port()
    variables = {**environment, "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings", "REDIS_URL": broker}
    gunicorn = ["gunicorn", "-c", "python:django_observe.gunicorn", "-w", "2", "-k", "gthread"]
    gunicorn += ["--threads", "4", "-b", f"127.0.0.1:{web}", f"{PROJECT}.wsgi"]
    celery = ["celery", "-A", PROJECT, "worker", "-c", "2", "-l", "INFO", "--without-gossip"]
    own = {"OBSERVE_WORKER_METRICS_PORT": str(page), "C_FORCE_ROOT": "1"}
    server = stack.enter_context(Process([sys.executable, "-m", *gunicorn], cwd=ROOT, env=variables))
    worker = stack.enter_context(Process([sys.executable, "-m", *celery], cwd=ROOT, env={**variables, **own}))
    url = f"http://127.0.0.1:{web}"
    server.wait_for_http(f"{url}/")
    worker.wait_for_line("ready.", 60)
    server.wait_for(lambda: len(children(server.pid)) == 2, "two workers")
    worker.wait_for(lambda: len(children(worker.pid)) >= 2, "two pool processes")
    yield Programs(
        {"gunicorn": server, "Celery": worker}, url, (f"{url}/metrics", f"http://127.0.0.1:{page}/metrics")
    )


def run(seconds: float, step: float, paths: tuple[str, ...] = PATHS, arenas: int = 1) -> Found:
    """Walks for that long, `step` seconds in each mode, half of that in `ok` between them.

    With one arena for all threads, memory that is free again is used again, and what still grows is kept by
    somebody; 0 leaves glibc its default, eight for each core.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        walk = stack.enter_context(Walk(folder))
        allocator = {"MALLOC_ARENA_MAX": str(arenas)} if arenas else {}
        started = stack.enter_context(programs(walk.environment | allocator, stack))
        found = Found(seconds, step, started.watched())
        modes = cycle(CYCLE)
        for share, rate in ((WARM_UP, HASTE * RATE), (1 - WARM_UP, RATE)):
            found.started = monotonic()
            sent = stack.enter_context(load(started.url, *paths, rate=rate, seconds=share * seconds))
            _watch(walk, modes, started.pages[0], found, share * seconds)
            found.answers += sent.answers()
        walk.enter("ok")
        found.books = _books(started.pages)
        return found


def _watch(walk: Walk, modes: Iterator[str], page: str, found: Found, seconds: float) -> None:
    begun, step = monotonic(), found.step
    change = begun
    while monotonic() < begun + seconds:
        if monotonic() >= change:
            walk.enter(next(modes))
            change += step / 2 if walk.mode == "ok" else step
        for each in found.watched:
            each.look()
        get(page)
        sleep(max(min(change - monotonic(), step / 4), 0))


def _books(pages: tuple[str, ...]) -> dict[str, Counter[str]]:
    """What the metrics say of delivery, all processes together, by signal."""
    books: dict[str, Counter[str]] = defaultdict(Counter)
    for page in pages:
        for name, labels, value in re.findall(
            r"^observe_telemetry_(accepted|exported|dropped|queued)(?:_total)?\{(.*?)\} (\S+)",
            get(page).text,
            re.MULTILINE,
        ):
            given = dict(re.findall(r'(\w+)="(.*?)"', labels))
            books[given["signal"]][f"{name} {given.get('reason', '')}".strip()] += int(float(value))
    return dict(books)


def table(found: Found) -> str:
    """What a run has seen, in Markdown."""
    head = ["process", "RSS", "at most", "at the end", "KB a minute (95 %)"]
    head += ["threads", "a minute (95 %)", "files", "a minute (95 %)", "that is"]
    rows = [[each.name, *_row(each.since(found.started), found.period)] for each in found.watched]
    return f"{_story(found)}\n\n{grid(head, rows)}\n\n{_ledger(found)}"


def _row(samples: Sequence[Sample], period: float) -> list[str]:
    sizes = (samples[0].rss, max(sample.rss for sample in samples), samples[-1].rss)
    memory, threads, files = (slope(samples, period, what) for what in LIMITS)
    return [
        *(f"{size / 1024:.1f} MB" for size in sizes),
        f"{memory.value:+.1f} ({memory.low:+.1f} to {memory.high:+.1f})",
        str(samples[-1].threads),
        f"{threads.value:+.2f} ({threads.low:+.2f} to {threads.high:+.2f})",
        str(samples[-1].files),
        f"{files.value:+.2f} ({files.low:+.2f} to {files.high:+.2f})",
        verdicts(samples, period),
    ]


def _story(found: Found) -> str:
    expected = {200, *EXPECTED.values()}
    odd = sum(answer.status not in expected for answer in found.answers)
    now = datetime.now(timezone.utc)
    samples = sum(len(each.samples) for each in found.watched)
    slowest = max(answer.seconds for answer in found.answers)
    return (
        f"{now:%Y-%m-%d}, {found.seconds / 60:.1f} minutes on {platform.machine()} with Python "
        f"{platform.python_version()}:\n{len(found.answers)} requests, {odd} without the answer expected, "
        f"the slowest {slowest:.2f} s; {samples} samples,\nthose of the first "
        f"{WARM_UP * found.seconds / 60:.1f} minutes, at {HASTE} times the load, left out; a walk through "
        f"all modes takes {found.period:.0f} s."
    )


def _ledger(found: Found) -> str:
    names = sorted({name for book in found.books.values() for name in book})
    rows = [[signal, *(str(book[name]) for name in names)] for signal, book in sorted(found.books.items())]
    return grid(["signal", *names], rows)


def main() -> int:
    """Runs, prints the table, and with --write puts it on its page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--step", type=float, default=8, help="seconds in each mode")
    parser.add_argument("--arenas", type=int, default=1, help="of glibc's malloc; 0: its default")
    parser.add_argument("--leak", action="store_true", help="with a view that leaks, which is to be found")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not without its programs
    found = run(given.minutes * 60, given.step, LEAK if given.leak else PATHS, given.arenas)
    told = table(found)
    sys.stdout.write(f"{told}\n")
    if given.write:
        PAGE.write_text(with_block(PAGE.read_text(), "long run", told))
    return 0 if found.is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
