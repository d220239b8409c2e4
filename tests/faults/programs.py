"""Programs of the suite's project whose every span and log record goes to a collector."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_services.ports import free_port
from tests.collector import Collector
from tests.processes import Process

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "tests.faults.project"
LATE = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_BLRP_SCHEDULE_DELAY": "60000"}
"""Nothing leaves before the end."""


def variables(collector: Collector, **more: str) -> dict[str, str | None]:
    """Of a program: what it tells goes to `collector` at once, log records to stdout as well."""
    return {
        **collector.environment,
        "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
        "OTEL_LOGS_EXPORTER": "otlp,console",
        "OTEL_SERVICE_NAME": None,
        "C_FORCE_ROOT": "1",
        **more,
    }


@contextmanager
def gunicorn(
    collector: Collector, *arguments: str, application: str = "wsgi", **more: str
) -> Iterator[tuple[Process, str]]:
    """A gunicorn with our configuration and one worker unless `arguments` say otherwise; its address."""
    address = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "--bind", address]
    argv += [*arguments, f"{PROJECT}.{application}"]
    with Process(argv, cwd=ROOT, env=variables(collector, **more)) as process:
        process.wait_for_http(f"http://{address}/healthz")
        yield process, f"http://{address}"


def lines(process: Process, **fields: str) -> list[dict[str, Any]]:
    """What a program has logged so far, with those fields."""
    whole = [line for line in process.stdout.splitlines(keepends=True) if line.endswith("\n")]
    found = [json.loads(line) for line in whole if line.startswith("{")]
    return [line for line in found if all(line.get(name) == value for name, value in fields.items())]
