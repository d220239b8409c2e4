"""`stack/up.py` before it calls Compose: a wrong command, and an .env that lacks something."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import require
from tests.stack.composefile import ROOT


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with the script and the example in their places."""
    (tmp_path / "stack").mkdir()
    shutil.copy(ROOT / "stack" / "up.py", tmp_path / "stack")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def _run(top: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(top / "stack" / "up.py"), *words]
    given = {"PATH": "", **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=given)


def test_an_env_without_a_password_is_named_with_what_it_lacks(top: Path) -> None:
    lines = (top / ".env.example").read_text().replace("<", "").replace(">", "").splitlines(keepends=True)
    (top / ".env").write_text("".join(line for line in lines if not line.startswith("GRAFANA_ADMIN")))

    done = _run(top)

    assert done.returncode == 1
    assert done.stderr == f"{top}/.env has no GRAFANA_ADMIN_PASSWORD: add what .env.example explains.\n"


@pytest.mark.parametrize("present", [False, True])
def test_a_whole_env_or_none_gets_as_far_as_compose(top: Path, *, present: bool) -> None:
    if present:
        (top / ".env").write_text((top / ".env.example").read_text())

    done = _run(top, "up")

    assert done.returncode == 1
    assert done.stderr.startswith("Neither `docker compose` nor `docker-compose` is there.")


@pytest.mark.parametrize("word", ["up", "down"])
def test_a_daemon_that_does_not_answer_is_told_before_anything_is_written(top: Path, word: str) -> None:
    """Docker's own client, sent where no daemon is."""
    require("docker", "docker.io")
    require("docker-compose", "docker-compose")

    done = _run(top, word, PATH=os.environ["PATH"], DOCKER_HOST=f"unix://{top}/no-such.sock")

    assert done.returncode == 1
    assert done.stderr.startswith("Docker's daemon does not answer; is it started?\n")
    assert "no-such.sock" in done.stderr
    assert len(done.stderr.splitlines()) < 5
    assert done.stdout == ""
    assert not (top / ".env").exists()


@pytest.mark.parametrize(("allowed", "noted"), [(None, True), ("0", True), ("1", False)])
def test_the_switches_for_faults_are_announced_with_what_they_want(
    allowed: str | None, *, noted: bool
) -> None:
    given = {} if allowed is None else {"DEMO_FAULTS_ALLOWED": allowed}
    script = "import json, sys, up; print(up.addresses(json.loads(sys.argv[1])))"
    command = [sys.executable, "-B", "-c", script, json.dumps(given)]

    said = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT / "stack"
    ).stdout.splitlines()

    (line,) = [line for line in said if "switches for faults" in line]
    assert line.endswith("(DEMO_FAULTS_ALLOWED=1 in .env)" if noted else "http://localhost:8002")
    assert sum("DEMO_FAULTS_ALLOWED" in line for line in said) == noted


def test_another_command_gets_the_usage(top: Path) -> None:
    done = _run(top, "sideways")

    assert (done.returncode, done.stderr) == (1, "usage: python3 stack/up.py [up|down]\n")
