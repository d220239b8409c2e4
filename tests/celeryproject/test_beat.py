"""Beat on a real Redis, by itself and within a worker: what it published is traced, to the last tick."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from redis import Redis

from demo_services.ports import free_port
from tests.celeryproject.receiver import Collector, attributes
from tests.oneline.broker import redis
from tests.processes import WARM_SHUTDOWN_SECONDS, Process

ROOT = Path(__file__).parents[2]
TICKS = 5


def published(url: str, process: Process) -> int:
    """Messages that wait or have run; after each beat sleeps, and Celery's handler of SIGTERM ends none."""
    with Redis.from_url(url) as broker:
        return int(broker.llen("celery")) + process.stdout.count('"event":"task"')


@pytest.mark.parametrize("command", ["beat --pidfile=", "worker -B -P prefork -c 1", "worker -B -P solo"])
def test_a_beat_that_is_stopped_loses_no_span(command: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "celery", "-A", "tests.celeryproject.beat", *command.split(), "-l", "INFO"]
    with redis() as url, Collector() as collector:
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.celeryproject.settings",
            "REDIS_URL": url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "60000",  # nothing leaves before the end
            "OBSERVE_WORKER_METRICS_PORT": str(free_port()),
            "C_FORCE_ROOT": "1",
        }
        with Process([*argv, "-s", str(tmp_path / "schedule")], cwd=ROOT, env=environment) as process:
            process.wait_for(lambda: published(url, process) >= TICKS, f"{TICKS} ticks")
            os.kill(process.pid, signal.SIGTERM)
            assert process.popen.wait(WARM_SHUTDOWN_SECONDS) == 0
            ticks = process.stdout.count("Sending due task")
        spans = [span for span in collector.spans() if span.name.startswith("apply_async/")]
        assert len(spans) == ticks
        assert {span.parent_span_id for span in spans} == {b""}
        assert len({attributes(span)["correlation_id"] for span in spans}) == ticks
