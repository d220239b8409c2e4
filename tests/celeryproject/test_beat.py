"""Beat on a real Redis, by itself and within a worker: what it published is traced, to the last tick."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from demo_services.ports import free_port
from tests.celeryproject.receiver import Collector, attributes
from tests.oneline.broker import redis
from tests.processes import WARM_SHUTDOWN_SECONDS, Process

ROOT = Path(__file__).parents[2]
TICK = "Sending due task"
TICKS = 3


def sleeps(process: Process) -> bool:
    """Whether beat has published that often and waits for its next tick.

    A SIGTERM amid a publish to Redis is lost with or without us, and then beat ends with 1: its schedule is
    closed, but the `SystemExit` of Celery's handler does not get out of the client.
    """
    said = process.stdout
    return said.count(TICK) >= TICKS and said.rfind("beat: Waking up") > said.rfind(TICK)


@pytest.mark.parametrize("command", ["beat --pidfile=", "worker -B -P prefork -c 1", "worker -B -P solo"])
def test_a_beat_that_is_stopped_loses_no_span(command: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "celery", "-A", "tests.celeryproject.beat", *command.split(), "-l", "DEBUG"]
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
            process.wait_for(lambda: sleeps(process), f"{TICKS} ticks")
            os.kill(process.pid, signal.SIGTERM)
            assert process.popen.wait(WARM_SHUTDOWN_SECONDS) == 0
            ticks = process.stdout.count(TICK)
        spans = [span for span in collector.spans() if span.name.startswith("apply_async/")]
        assert len(spans) == ticks
        assert {span.parent_span_id for span in spans} == {b""}
        assert len({attributes(span)["correlation_id"] for span in spans}) == ticks
