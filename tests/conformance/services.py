"""The programs of the project under test: servers and workers, started when a row first asks for one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlencode

from demo_services.ports import free_port
from tests.collector import Collector
from tests.conformance.rows import Row
from tests.conformance.telemetry import PATIENCE, Line, Lines
from tests.processes import Answer, Process, get

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "tests.conformance.project"
KIT = os.environ.get("CONFORMANCE_KIT", "ours")
"""`ours`, or `hand`: django-guid and OpenTelemetry's own instrumentations (project/hand.py)."""

Started = TypeVar("Started")


class Program:
    """A started program and its log."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines = Lines(process)

    def witness(self, row: Row, place: str, timeout: float = PATIENCE) -> Line:
        """The first line that `witness(key, place)` logged for this row."""
        return self.lines.wait(key=row.key, place=place, timeout=timeout)[0]

    def witnesses(self, row: Row, place: str, number: int, timeout: float = PATIENCE) -> list[Line]:
        """The same where a place is passed `number` times."""
        return self.lines.wait(number, timeout, key=row.key, place=place)

    def left(self, row: Row) -> Sequence[Line]:
        """What the wrapper around the application or around tasks saw after this row's work."""
        return self.lines.where(key=row.key, place="left")


class Server(Program):
    """A web server of the project."""

    def __init__(self, process: Process, url: str) -> None:
        super().__init__(process)
        self.url = url

    def get(
        self,
        path: str,
        row: Row,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        **query: str,
    ) -> Answer:
        """One request with the row's key, under the row's ID and trace unless `headers` are given."""
        sent = row.headers if headers is None else headers
        return get(f"{self.url}{path}?{urlencode({'key': row.key, **query})}", sent, method=method)

    def request_lines(self, identifier: str, number: int = 1) -> list[Line]:
        """The request lines under an ID, as soon as there are `number`."""
        return self.lines.wait(number, event="request", correlation_id=identifier)


class Worker(Program):
    """A Celery worker of the project, and the server that publishes to its queue."""

    def __init__(self, process: Process, queue: str, publisher: Server, metrics_port: int) -> None:
        super().__init__(process)
        self.queue = queue
        self.publisher = publisher
        self.metrics_port = metrics_port

    def publish(self, row: Row, scenario: str, **query: str) -> Answer:
        """Has the server publish: `project/publishing.py` knows the scenarios by name."""
        return self.publisher.get(f"/celery/{scenario}/", row, None, queue=self.queue, **query)

    def task_lines(self, task_id: str, number: int = 1, timeout: float = PATIENCE) -> list[Line]:
        """The lines of a task's runs, as soon as there are `number`."""
        return self.lines.wait(number, timeout, event="task", task_id=task_id)


class Programs(Generic[Started]):
    """Programs by name, each started when first asked for; all are stopped when the session ends."""

    def __init__(self, start: Callable[[str, ExitStack], Started]) -> None:
        self._start = start
        self._started: dict[str, Started] = {}
        self._stack = ExitStack()

    def __getitem__(self, name: str) -> Started:
        if name not in self._started:
            self._started[name] = self._start(name, self._stack)
        return self._started[name]

    def __enter__(self) -> Programs[Started]:
        return self

    def __exit__(self, *_: object) -> None:
        """Tells all of them at once to end, then waits for each."""
        for started in self._started.values():
            if isinstance(started, Program):
                started.process.popen.terminate()
        self._stack.close()


Servers = Programs[Server]
Workers = Programs[Worker]

_GUNICORN = ("-m", "gunicorn", f"{PROJECT}.wsgi:application", "--bind", "127.0.0.1:{port}")
_UVICORN = ("-m", "uvicorn", "--port", "{port}", "--log-level", "warning")
SERVERS: dict[str, tuple[str, ...]] = {
    "gunicorn sync": _GUNICORN,
    "gunicorn gthread": (*_GUNICORN, "--worker-class", "gthread", "--threads", "8"),
    "gunicorn gthread, 200 threads": (*_GUNICORN, "--worker-class", "gthread", "--threads", "200"),
    "uvicorn": (*_UVICORN, f"{PROJECT}.asgi:application"),
    "daphne": ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", f"{PROJECT}.channelsasgi:application"),
    "uvicorn with Channels": (*_UVICORN, f"{PROJECT}.channelsasgi:application"),
}
POOLS = {"prefork": ("-c", "2"), "threads": ("-c", "2"), "solo": ()}
BROKERS = ("Redis", "RabbitMQ")
WORKERS = [f"{pool}, {broker}" for broker in BROKERS for pool in POOLS]
"""Columns of the group Celery."""


def environment(collector: Collector, **more: str) -> dict[str, str | None]:
    """Variables of every program of the project."""
    return {
        **collector.environment,
        "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
        "CONFORMANCE_KIT": KIT,
        "OTEL_SERVICE_NAME": None,
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "C_FORCE_ROOT": "1",
        **more,
    }


def start_server(name: str, stack: ExitStack, variables: Mapping[str, str | None]) -> Server:
    """Starts the web server `name` of SERVERS."""
    port = free_port()
    argv = [sys.executable, *(word.format(port=port) for word in SERVERS[name])]
    process = stack.enter_context(Process(argv, cwd=ROOT, env=variables))
    process.wait_for_http(f"http://127.0.0.1:{port}/")
    return Server(process, f"http://127.0.0.1:{port}")


def start_worker(
    name: str, stack: ExitStack, variables: Mapping[str, str | None], publisher: Server, *more: str
) -> Worker:
    """Starts the worker `pool, broker` with a queue of its own."""
    pool, _ = name.split(", ")
    queue = f"{pool}-{free_port()}"
    argv = [sys.executable, "-m", "celery", "-A", PROJECT, "worker", "-P", pool, *POOLS[pool]]
    argv += ["-Q", queue, "-n", f"{queue}@here", "-l", "INFO", "--without-gossip", "--without-mingle", *more]
    port = free_port()
    own = {"OBSERVE_WORKER_METRICS_PORT": str(port), "TASK_QUEUE": queue}
    process = stack.enter_context(Process(argv, cwd=ROOT, env={**variables, **own}))
    process.wait_for_line("ready.", 60)
    return Worker(process, queue, publisher, port)
