"""Programs that have told much when they are told to end, and the clock from that signal to their end."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from demo_services.ports import free_port
from tests.collector import Collector
from tests.faults import programs
from tests.faults.programs import PROJECT, ROOT
from tests.processes import Process, get, wait_until

LIMIT = 3.0
"""Seconds from SIGTERM to the end of a program."""

BUSY = os.cpu_count() or 1
"""Load of this machine above which a figure over its limit is measured again."""

TIMES = 1 if "FAULTS_BREAK" in os.environ else 5
"""What is broken on purpose is over its limit each time."""

_GUNICORN = ("gunicorn", "-c", "python:django_observe.gunicorn", "-b", "127.0.0.1:{port}")
WEB: dict[str, tuple[str, ...]] = {
    "gunicorn sync": (*_GUNICORN, f"{PROJECT}.wsgi"),
    "gunicorn gthread": (*_GUNICORN, "-k", "gthread", "--threads", "4", f"{PROJECT}.wsgi"),
    "gunicorn with UvicornWorker": (*_GUNICORN, "-k", "uvicorn_worker.UvicornWorker", f"{PROJECT}.asgi"),
    "uvicorn": ("uvicorn", "--port", "{port}", f"{PROJECT}.asgi:application"),
    "runserver": (f"{PROJECT}.manage", "runserver", "127.0.0.1:{port}"),
}
POOLS = {"Celery prefork": "prefork", "Celery threads": "threads"}
COMMAND = "a management command"
PROGRAMS = (*WEB, *POOLS, COMMAND)

STATUS = {"uvicorn": -signal.SIGTERM, COMMAND: -signal.SIGTERM}
"""What a program ends with; the others with 0."""

RECORDS = 60
"""Of each signal, at least, in a process that is told to end."""


@dataclass(frozen=True)
class Unread:
    """The end to write to of a pipe that nobody reads.

    It holds one page, which is begun: a line of ours has to wait, as poll() says that there is no room; what
    others print at a start and an end, without asking, still goes into what is left of the page.
    """

    read: int
    write: int

    @property
    def waiting(self) -> int:
        """Bytes in it."""
        return int(struct.unpack("i", fcntl.ioctl(self.read, termios.FIONREAD, b"\0" * 4))[0])

    def fill(self) -> None:
        """Takes the rest of the page: from now on nobody can print."""
        os.set_blocking(self.write, False)
        with suppress(BlockingIOError):
            while True:
                os.write(self.write, b".")
        os.set_blocking(self.write, True)

    def text(self) -> str:
        """All that was printed."""
        return os.read(self.read, 65_536).decode()


@contextmanager
def unread() -> Iterator[Unread]:
    """Such a pipe, closed at the end."""
    read, write = os.pipe()
    try:
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4_096)
        os.write(write, b"\n")
        yield Unread(read, write)
    finally:
        os.close(read)
        os.close(write)


def variables(collector: Collector, **more: str) -> dict[str, str | None]:
    """Of a program of the project that also runs without a server: in debug, its database in memory."""
    return programs.variables(collector, FAULTS_DEBUG="1", FAULTS_DATABASE=":memory:", **more)


def seconds_to_end(process: Process, pid: int | None = None) -> float:
    """From SIGTERM, sent to `pid` (the program's first process), to the end of the program.

    Without the time for which the machine, busy with other tests, let one of its processes wait, that which
    waited longest: how long a thread stood in line for a CPU, Linux says in /proc/<pid>/schedstat. Processes
    stand in line side by side, so their times are not added.
    """
    stood = {each: [_stood_in_line(each)] * 2 for each in family(process.pid)}
    started = time.monotonic()
    os.kill(pid or process.pid, signal.SIGTERM)
    while process.popen.poll() is None and time.monotonic() < started + 30:
        for each, (first, last) in stood.items():
            stood[each] = [first, max(_stood_in_line(each), last)]
        time.sleep(0.02)
    return time.monotonic() - started - max((last - first for first, last in stood.values()), default=0.0)


def family(pid: int) -> list[int]:
    """A process and those that it has started, and so on."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(each for child in children for each in family(int(child)))]
    return []


def _stood_in_line(pid: int) -> float:
    """Seconds for which its main thread did, so far; 0 where that is not known (any more)."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def measured(once: Callable[[], float], limit: float = LIMIT) -> float:
    """What `once` measures; while the machine is too busy for it, what it measures the next time."""
    took = once()
    for _ in range(TIMES - 1):
        if took <= limit or os.getloadavg()[0] <= BUSY:
            break
        took = once()
    return took


@contextmanager
def serving(
    name: str, env: Mapping[str, str | None], out: int | None = None
) -> Iterator[tuple[Process, str]]:
    """A web server of WEB and its address."""
    port = free_port()
    argv = [sys.executable, "-m", *(word.format(port=port) for word in WEB[name])]
    with Process(argv, cwd=ROOT, env=env, out=out) as process:
        url = f"http://127.0.0.1:{port}"
        process.wait_for_http(f"{url}/")
        yield process, url


@contextmanager
def told(
    name: str, collector: Collector, out: Unread, redis: Callable[[], str]
) -> Iterator[tuple[Process, int]]:
    """The program `name` of PROGRAMS once it has told `RECORDS` of each signal, and the process to end."""
    if name in WEB:
        with serving(name, variables(collector), out.write) as (process, url):
            for _ in range(RECORDS // 5):
                assert get(f"{url}/busy/").status == 200
            yield process, int(get(url).text) if name == "runserver" else process.pid
    elif name in POOLS:
        with _working(POOLS[name], variables(collector, REDIS_URL=redis()), out.write) as process:
            yield process, process.pid
    else:
        argv = [sys.executable, "-m", f"{PROJECT}.manage", "emit", "--wait"]
        argv += ["--spans", str(RECORDS), "--logs", str(RECORDS)]
        before = out.waiting
        with Process(argv, cwd=ROOT, env=variables(collector), out=out.write) as process:
            process.wait_for(lambda: out.waiting > before, "what the command prints")
            yield process, process.pid


@contextmanager
def _working(pool: str, env: Mapping[str, str | None], out: int) -> Iterator[Process]:
    """A Celery worker that has done `RECORDS` tasks."""
    queue = f"{pool}-{free_port()}"
    own = {"TASK_QUEUE": queue, "OBSERVE_WORKER_METRICS_PORT": str(free_port())}
    argv = [sys.executable, "-m", "celery", "-A", PROJECT, "worker", "-P", pool, "-c", "2", "-l", "INFO"]
    argv += ["-Q", queue, "-n", f"{queue}@here"]
    url = env["REDIS_URL"]
    publisher = Celery("publisher", broker=url, backend=url, set_as_current=False)
    publisher.conf.task_default_queue = queue
    with Process(argv, cwd=ROOT, env={**env, **own}, out=out) as process, publisher:
        tasks = [publisher.send_task(f"{PROJECT}.tasks.work") for _ in range(RECORDS)]
        wait_until(lambda: all(task.ready() for task in tasks), "the tasks' results", 60)
        yield process
