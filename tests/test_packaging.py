"""The distribution: what the wheel holds, and that the core needs none of the extras."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("celery", "gunicorn", "httpx", "platformdirs", "psycopg", "redis", "rest_framework", "uvicorn")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built as an installer builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True)
    [path] = folder.glob("django_observe_kit-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "django_observe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "django_observe/py.typed" in files
    assert files - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_beside_the_package(wheel: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"django_observe"}


def test_the_wheel_declares_the_script_and_the_pytest_plugin(wheel: zipfile.ZipFile) -> None:
    [entry_points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    lines = wheel.read(entry_points).decode().splitlines()
    assert {"django-observe = django_observe.cli:main", "django_observe = django_observe.testing"} <= set(
        lines
    )


def test_the_core_starts_without_any_extra() -> None:
    """A name that is None in sys.modules cannot be imported (Python reference, "The module cache")."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS})); import django; django.setup(); "
    ask = "from django.test import Client; print(Client().get('/ok/').status_code)"
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", hide + ask],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.stdout.splitlines()[-1:], finished.stderr) == (["200"], "")
