"""A service with several processes outside the demo: faults reach each of them, and only where allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo_services.ports import free_port
from tests.demo.shop import ROOT, environment
from tests.demo.test_services import manage
from tests.processes import Process

PROCESSES = 3
REQUESTS = 24


@contextmanager
def auth(state: Path, **more: str) -> Iterator[str]:
    """The auth service under gunicorn with several processes, by its URL; its database has no tables."""
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "--no-control-socket"]
    argv += ["--workers", str(PROCESSES), "--bind", f"127.0.0.1:{port}", "auth_service.wsgi:application"]
    settings = {**environment(state, **more), "DJANGO_SETTINGS_MODULE": "auth_service.settings"}
    with Process(argv, cwd=ROOT / "demo_services" / "auth", env=settings) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"


def statuses(service: str) -> set[int]:
    """The statuses of so many requests that every process has answered some."""
    address = f"{service}/.well-known/jwks.json"
    return {requests.get(address, timeout=10).status_code for _ in range(REQUESTS)}


def test_every_process(tmp_path: Path) -> None:
    """One PUT, answered by one process, is obeyed by all from the next request on; so is the DELETE."""
    with auth(tmp_path, DEMO_FAULTS_ALLOWED="1") as service:
        assert statuses(service) == {200}
        assert requests.put(f"{service}/faults", json={"errors": 1}, timeout=10).ok
        assert statuses(service) == {500}
        assert requests.delete(f"{service}/faults", timeout=10).ok
        assert statuses(service) == {200}


def test_refused(tmp_path: Path) -> None:
    """Elsewhere switching is a 403 that says why, the page says so too, and a switch file changes nothing."""
    file = tmp_path / "faults" / "auth.json"
    file.parent.mkdir()
    file.write_text('{"errors": 1}')
    with auth(tmp_path) as service:
        for method in ("PUT", "DELETE"):
            answer = requests.request(method, f"{service}/faults", json={"errors": 0.5}, timeout=10)
            assert answer.status_code == 403
            assert "DEMO_FAULTS_ALLOWED=1" in answer.json()["detail"]
        shown = requests.get(f"{service}/faults", timeout=10).json()
        assert (shown["allowed"], shown["faults"]) == (False, {})
        page = requests.get(f"{service}/", headers={"Accept": "text/html"}, timeout=10).text
        assert "cannot be broken" in page
        assert statuses(service) == {200}
    assert file.read_text() == '{"errors": 1}'


@pytest.mark.parametrize(
    ("given", "allowed", "says"),
    [
        ("errors=0.3", "0", "DEMO_FAULTS is 'errors=0.3'. Faults are not allowed here"),
        ("errors=3", "1", "errors is '3'; accepted is a share from 0 to 1"),
        ("poison=1", "1", "poison ('1') is no switch of this service"),
        ("often", "1", "'often' is no switch; write key=value"),
    ],
)
def test_environment_that_cannot_be_had(tmp_path: Path, given: str, allowed: str, says: str) -> None:
    """A service whose DEMO_FAULTS is refused does not start, and says why."""
    started = _check(tmp_path, DEMO_FAULTS=given, DEMO_FAULTS_ALLOWED=allowed)
    assert started.returncode != 0
    assert says in started.stderr


def test_debug_allows(tmp_path: Path) -> None:
    """With DEBUG on, nothing more is needed."""
    assert _check(tmp_path, DEMO_FAULTS="errors=0.3,dependency=database", DEBUG="1").returncode == 0


def _check(state: Path, **more: str) -> subprocess.CompletedProcess[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in more.items():
            patch.setitem(os.environ, name, value)
        return manage("auth", state, "check")
