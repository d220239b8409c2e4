"""The doctor as an operator runs it: a process of its own, with the project's settings and environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from demo_services.ports import free_port
from django_observe.doctor import serviceexport
from django_observe.doctor.finding import Finding
from tests.doctor import alone
from tests.oneline.environments import ROOT
from tests.processes import Process

SHARED = ("-c", "python:django_observe.gunicorn")
"""For gunicorn: its workers share one metrics page."""

_OWN = ("OTEL_", "OBSERVE_", "DJANGO_", "PROMETHEUS_", "PYTEST_")


class Run(NamedTuple):
    """Exit status, and what was printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def findings(self) -> list[Finding]:
        """Of a run with --json."""
        return [Finding(**each) for each in self.document["findings"]]

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed


def doctor(
    *arguments: str, settings: Mapping[str, Any] | None = None, variables: Mapping[str, str] | None = None
) -> Run:
    """Runs `observe doctor` with --json, unless other `arguments` are given."""
    ran = subprocess.run(
        [sys.executable, "-m", alone.__name__, "observe", "doctor", *(arguments or ("--json",))],
        env={**environment(settings), **(variables or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return Run(ran.returncode, ran.stdout, ran.stderr)


def environment(settings: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The variables of the healthy project, and what is planted in its settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "tests.doctor.project",
        "PYTHONPATH": str(ROOT),
        "OTEL_SERVICE_NAME": "shop",
        "PLANTED_SETTINGS": json.dumps(settings or {}),
    }


@contextmanager
def gunicorn(variables: Mapping[str, str], *words: str) -> Iterator[str]:
    """The URL of a service with the kit on a free port; `words` are gunicorn's own."""
    bind = f"127.0.0.1:{free_port()}"
    argv: list[str | Path] = [Path(sys.executable).parent / "gunicorn", "--bind", bind, *words]
    with Process([*argv, "django.core.wsgi:get_wsgi_application()"], cwd=ROOT, env=variables) as process:
        process.wait_for_http(f"http://{bind}/healthz")
        yield f"http://{bind}"


def delivered(url: str) -> dict[str, float]:
    """By signal how much of it a service says it has exported."""
    books = serviceexport.books(url, "/metrics")
    assert books is not None
    return books.delivered
