"""A started server of the matrix, and the questions the tests put to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from demo_services.ports import free_port
from tests.oneline.environments import Environment
from tests.oneline.output import CELERY, RUNSERVER, json_lines
from tests.oneline.project import command
from tests.processes import Answer, Process, get

ABSENT = dict.fromkeys(
    ("DJANGO_SETTINGS_MODULE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "PYTHONPATH")
)
"""Variables of the test run that a fresh project's shell would not have."""

AS_ROOT = "ignore:You're running the worker with superuser privileges"
"""Celery's warning in a container, where tests run as root."""


@dataclass(frozen=True)
class Service:
    """A program of the project: a server that answers on `url`, or a worker with its metrics there."""

    process: Process
    url: str
    banner: re.Pattern[str] = RUNSERVER

    def get(self, path: str, **headers: str) -> Answer:
        """One request; header names are written with underscores."""
        return get(self.url + path, {name.replace("_", "-"): value for name, value in headers.items()})

    def lines(self, correlation_id: str) -> list[dict[str, Any]]:
        """The JSON lines so far that carry an ID; the last may be half written."""
        stdout = self.process.stdout
        return [
            line
            for line in json_lines(stdout[: stdout.rfind("\n") + 1], self.banner)
            if line.get("correlation_id") == correlation_id
        ]

    def line(self, correlation_id: str, **fields: object) -> dict[str, Any]:
        """The one JSON line with this ID and these fields, waited for."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines(correlation_id) if fields.items() <= line.items()]

        lines = self.process.wait_for(found, f"a line with {fields} under {correlation_id}", 10)
        assert len(lines) == 1, lines
        return lines[0]

    def sample(self, name: str, /, **labels: str) -> float:
        """The value of a sample on /metrics; 0 where there is none."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@contextmanager
def served(
    environment: Environment, server: str, project: Path, variables: dict[str, str] | None = None
) -> Iterator[Service]:
    """Starts `server` on a free port and stops it at the end."""
    port = free_port()
    argv = command(environment, server, port)
    with Process(argv, cwd=project, env={**ABSENT, **(variables or {})}) as process:
        service = Service(process, f"http://127.0.0.1:{port}")
        process.wait_for_http(f"{service.url}/healthz")
        yield service


@contextmanager
def working(
    environment: Environment, pool: str, project: Path, variables: dict[str, str]
) -> Iterator[Service]:
    """Starts a Celery worker with `pool` and its metrics on a free port, and stops it at the end."""
    port = free_port()
    argv: list[str | Path] = [
        environment.program("celery"),
        "-A",
        "shop",
        "worker",
        "-P",
        pool,
        "-c",
        "2",
        "-l",
        "INFO",
    ]
    env = {**ABSENT, **variables, "OBSERVE_WORKER_METRICS_PORT": str(port), "PYTHONWARNINGS": AS_ROOT}
    with Process(argv, cwd=project, env=env) as process:
        process.wait_for_line("ready.", 60)
        yield Service(process, f"http://127.0.0.1:{port}", CELERY)
