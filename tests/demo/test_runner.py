"""`python -m demo_services`: what it refuses, what it reports, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo_services.ports import Ports
from demo_services.telemetry import Telemetry
from tests.demo.shop import ROOT, environment, free_offset, open_shop, processes_of
from tests.processes import Process, get, wait_until

STOP_SECONDS = 8
"""The promise is 5; a busy machine gets more."""


def run(state: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(
        [sys.executable, "-m", "demo_services", *words],
        cwd=ROOT,
        env={**os.environ, **environment(state, **more)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_taken_ports(tmp_path: Path) -> None:
    """All taken ports are named at once, with what to do, before anything is started."""
    offset = free_offset()
    ports = Ports.moved(offset)
    with socket.create_server(("127.0.0.1", ports.orders)), socket.create_server(("127.0.0.1", ports.smtp)):
        refused = run(tmp_path, DEMO_PORT_OFFSET=str(offset))
    assert refused.returncode == 2
    for part in (f"{ports.orders} (orders)", f"{ports.smtp} (smtp)", "DEMO_PORT_OFFSET"):
        assert part in refused.stdout
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEMO_PORT_OFFSET", "high", "whole number"),
        ("DEMO_PORT_OFFSET", "60000", "whole number"),
        ("DATABASE_URL", "postgresql://localhost/shop", "{service}"),
    ],
)
def test_bad_settings(tmp_path: Path, name: str, value: str, says: str) -> None:
    """A setting that cannot be used is named with its value's fault."""
    refused = run(tmp_path, **{"DEMO_PORT_OFFSET": str(free_offset()), name: value})
    assert refused.returncode == 2
    assert name in refused.stdout
    assert says in refused.stdout


def test_program_that_fails(tmp_path: Path) -> None:
    """A start-up that cannot succeed says which program failed and why, and leaves no process."""
    failed = run(tmp_path, "check", DATABASE_URL="postgresql://127.0.0.1:9/{service}")
    assert failed.returncode == 1
    assert "-migrate ended (exit status 1)" in failed.stdout
    assert "onnection refused" in failed.stdout
    assert processes_of(tmp_path) == []


def test_stopped_while_starting(tmp_path: Path) -> None:
    """SIGTERM in the middle of the start stops what was started."""
    settings = environment(tmp_path, DEMO_PORT_OFFSET=str(free_offset()))
    with Process([sys.executable, "-m", "demo_services"], cwd=ROOT, env=settings) as process:
        process.wait_for((tmp_path / "pid" / "console").exists, "the console's process")
        _stops_in_time(process, signal.SIGTERM)
        assert processes_of(tmp_path) == []


def test_what_is_said_once_all_runs_and_sigterm() -> None:
    """One table of addresses, the link to the first order's trace, no traffic; SIGTERM leaves nothing."""
    with open_shop(TRAFFIC="0") as shop:
        said = shop.process.stdout
        for name in ("console", "auth", "orders", "notifications", "mail"):
            assert said.count(f"│ {shop.ports.url(name)} ") == 1, said
        for page in ("orders", "worker_metrics"):
            assert f"{shop.ports.url(page)}/metrics" in said
        [(console, trace_id)] = re.findall(r"(http://\S+)/trace/([0-9a-f]{32})", said)
        assert console == shop.ports.url("console")
        assert get(f"{console}/trace/{trace_id}").status == 200
        services = {span.service for span in Telemetry(console).spans(trace_id)}
        assert services == {"auth", "orders", "notifications"}
        assert not (shop.state / "pid" / "traffic").exists()
        assert [line for line in processes_of(shop.state) if "locust" in line] == []

        _stops_in_time(shop.process, signal.SIGTERM)
        assert shop.process.popen.returncode == 0
        assert processes_of(shop.state) == []
        assert Ports.taken(shop.ports) == {}


def test_death_is_reported_and_stop_leaves_nothing() -> None:
    """A service that dies is reported, a worker is started again, and Ctrl-C ends it all in time."""
    with open_shop(TRAFFIC="1") as shop:
        os.killpg(shop.pid("notifications"), signal.SIGKILL)
        shop.process.wait_for_line("notifications ended (signal SIGKILL)")
        os.killpg(shop.pid("worker"), signal.SIGKILL)
        shop.process.wait_for_line("worker is started again")
        wait_until(lambda: shop.log("worker").count("ready.") > 1, "the worker's return")
        wait_until(lambda: "POST /charges" in shop.log("payment"), "an order of the traffic")
        assert {"auth", "orders", "worker", "traffic"} < {
            path.name for path in (shop.state / "pid").iterdir()
        }
        assert [line for line in processes_of(shop.state) if "locust" in line]
        assert len(processes_of(shop.state)) > len(list((shop.state / "pid").iterdir()))

        _stops_in_time(shop.process, signal.SIGINT)
        assert processes_of(shop.state) == []
        assert shop.process.popen.returncode == 0
        assert Ports.taken(shop.ports) == {}


def _stops_in_time(process: Process, number: signal.Signals) -> None:
    started = time.monotonic()
    process.popen.send_signal(number)
    process.popen.wait(STOP_SECONDS)
    assert time.monotonic() - started < STOP_SECONDS
