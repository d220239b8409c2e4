"""The service with background tasks, on each Django: a web server and a worker of its database."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

from demo_services.ports import free_port
from tests.collector import Collector
from tests.conformance import services
from tests.conformance.rows import Row
from tests.conformance.services import Program, Server
from tests.oneline.environments import environment
from tests.processes import Answer, Process, get

COLUMNS = {"django-tasks on Django 5.2": "5.2", "Django 6.1": "6.1"}
"""Columns of the rows, with the Django version of each. The hand assembly is installed in the first only."""

if services.KIT != "ours":
    del COLUMNS["Django 6.1"]

_MODULE = "tests.conformance.project"
_WORKER = ("-m", f"{_MODULE}.backgroundworker", "--no-startup-delay", "--no-reload", "--interval", "0.1")


class Background:
    """One web server and one worker of the queue `default`, on one database."""

    def __init__(self, version: str, collector: Collector, folder: Path, stack: ExitStack) -> None:
        self._metrics_port = free_port()
        self._python = str(environment(version).program("python"))
        self._variables = services.environment(
            collector,
            DJANGO_SETTINGS_MODULE=f"{_MODULE}.backgroundsettings",
            CONFORMANCE_DATABASE=str(folder / f"{version}.sqlite3"),
            OBSERVE_WORKER_METRICS_PORT=str(self._metrics_port),
        )
        self._once("-m", "django", "migrate", "--verbosity", "0")
        self.server = self._server(stack)
        self.worker = Program(stack.enter_context(self._process(*_WORKER)))

    def enqueue(
        self, row: Row, task: str, backend: str = "default", how: str = "enqueue", **query: str
    ) -> Answer:
        """Has the server enqueue a task of project/backgroundtasks.py."""
        return self.server.get(f"/{how}/{task}/{backend}/", row, None, **query)

    def outcome(self, row: Row, result_id: str) -> dict[str, object]:
        """What the database has of a task, once it was run."""

        def ended() -> dict[str, object]:
            found: dict[str, object] = self.server.get("/outcome/", row, {}, id=result_id).json()
            return found if found["status"] not in {"READY", "RUNNING"} else {}

        return self.worker.process.wait_for(ended, "a task that has ended", 15)

    def metrics(self) -> str:
        """The worker's metrics page."""
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        return get(f"http://127.0.0.1:{self._metrics_port}/metrics", accept).text

    def work_without_the_kit(self, queue: str) -> None:
        """One worker that has never heard of the package, until the queue is empty."""
        self._once(*_WORKER, "--batch", "--queue-name", queue, CONFORMANCE_WITHOUT_KIT="1")

    def _server(self, stack: ExitStack) -> Server:
        port = free_port()
        argv = ("-m", "gunicorn", f"{_MODULE}.wsgi:application", "--bind", f"127.0.0.1:{port}", "--threads=4")
        process = stack.enter_context(self._process(*argv))
        process.wait_for_http(f"http://127.0.0.1:{port}/")
        return Server(process, f"http://127.0.0.1:{port}")

    def _process(self, *argv: str) -> Process:
        return Process([self._python, *argv], cwd=services.ROOT, env=self._variables)

    def _once(self, *argv: str, **variables: str) -> None:
        given = {**os.environ, **self._variables, **variables}
        kept = {name: value for name, value in given.items() if value is not None}
        subprocess.run([self._python, *argv], cwd=services.ROOT, env=kept, check=True, timeout=60)
