"""One running service for each kit, shared by the tests of a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from demo_services.ports import free_port
from tests.collector import Collector
from tests.migration.service import Service
from tests.processes import Process

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.migration.project"
ABSENT = {name: None for name in os.environ if name.startswith(("OTEL_", "DJANGO_", "PROMETHEUS_"))}

Serve = Callable[..., Service]


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """Takes what the services export."""
    with Collector() as receiver:
        yield receiver


@pytest.fixture(scope="package")
def serve(collector: Collector) -> Iterator[Serve]:
    """`serve(kit, **variables)`: the service that had that kit, with the one line unless OBSERVED=0."""
    with ExitStack() as running:

        @cache
        def serve(kit: str, **variables: str) -> Service:
            port = free_port()
            argv = [*_instrumented(kit), "-m", "gunicorn", f"{MODULE}.wsgi", "--bind", f"127.0.0.1:{port}"]
            env = _environment(kit, collector) | variables
            process = running.enter_context(Process(argv, cwd=ROOT, env=env))
            service = Service(process, f"http://127.0.0.1:{port}", collector)
            process.wait_for_http(f"{service.url}/orders/1/")
            return service

        yield serve


@pytest.fixture
def worker(request: pytest.FixtureRequest, collector: Collector, tmp_path: Path) -> Iterator[Process]:
    """A Celery worker of the service that had the kit of the test's parameter, on messages in `tmp_path`."""
    argv = [sys.executable, "-m", "celery", "-A", f"{MODULE}.tasks", "worker", "-P", "solo", "-l", "INFO"]
    env = _environment(request.param, collector) | {
        "BROKER_FOLDER": str(tmp_path),
        "OBSERVE_WORKER_METRICS_PORT": "0",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    with Process(argv, cwd=ROOT, env=env) as process:
        process.wait_for(lambda: "shop.bill" in process.stdout or "ready." in process.stdout, "its start", 60)
        yield process


def _environment(kit: str, collector: Collector) -> dict[str, str | None]:
    return {
        **ABSENT,
        **collector.environment,
        "KIT": kit,
        "DJANGO_SETTINGS_MODULE": f"{MODULE}.settings",
        "OTEL_SERVICE_NAME": kit,
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONPATH": str(ROOT),
        "UPSTREAM": f"{collector.url}/upstream",
    }


def _instrumented(kit: str) -> list[str]:
    """Python, by way of OpenTelemetry's command where the kit is that."""
    program = str(Path(sys.executable).with_name("opentelemetry-instrument"))
    return [program, sys.executable] if kit == "instrument" else [sys.executable]
