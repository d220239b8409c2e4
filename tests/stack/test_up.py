"""`stack/up.py` before it calls Compose: a wrong command, and an .env that lacks something."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.composefile import ROOT


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with the script and the example in their places."""
    (tmp_path / "stack").mkdir()
    shutil.copy(ROOT / "stack" / "up.py", tmp_path / "stack")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def _run(top: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(top / "stack" / "up.py"), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": ""})


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


def test_another_command_gets_the_usage(top: Path) -> None:
    done = _run(top, "sideways")

    assert (done.returncode, done.stderr) == (1, "usage: python3 stack/up.py [up|down]\n")
