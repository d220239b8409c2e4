"""Virtual environments, one per Django version and Python, built once per machine below `.venv-matrix/`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import django
import pytest

from tests.processes import missing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-matrix"
PYTHONS = {"4.2": (3, 10, 12), "5.2": (3, 10, 14), "6.0": (3, 12, 14), "6.1": (3, 12, 14)}
"""Django versions, each with the lowest and the highest Python 3 it supports."""
TESTED = [os.environ["ONELINE_DJANGO"]] if "ONELINE_DJANGO" in os.environ else ["4.2", "5.2", "6.1"]
"""Those that the one line is tested with: `tests/versions` asks for the one it has installed."""


@dataclass(frozen=True)
class Environment:
    """A Django version and the folder of its programs."""

    django: str
    bin: Path

    def program(self, name: str) -> Path:
        return self.bin / name


def environment(version: str, python: int | None = None) -> Environment:
    """The environment of a Django version, on Python 3.`python` if given: the running one where it fits.

    Skips where no interpreter on this machine is one the version supports, in CI as well: a machine has the
    interpreters it has.
    """
    running = f"{django.get_version()}.".startswith(f"{version}.")
    if running and python in (None, sys.version_info.minor):
        return Environment(version, Path(sys.executable).parent)
    _, low, high = PYTHONS[version]
    minors = range(low, high + 1) if python is None else (python,)
    found = _interpreter(minors)
    if found is None:
        wanted = f"3.{python}" if python else f"3.{low} to 3.{high}"
        pytest.skip(f"Django {version} wants Python {wanted} here (apt packages python3.N-venv, or pyenv)")
    folder = version if python is None else f"{version}-py3.{python}"
    return Environment(version, _built(FOLDER / folder, version, found) / "bin")


def _interpreter(minors: Iterable[int]) -> Path | None:
    """The running interpreter if it is one of those, else one of pyenv's or of the system's."""
    if sys.version_info.minor in minors:
        return Path(sys.executable)
    homes = sorted(Path.home().glob(".pyenv/versions/3.*"))
    for minor in minors:
        found = [home / "bin/python" for home in reversed(homes) if home.name.startswith(f"3.{minor}.")]
        system = shutil.which(f"python3.{minor}")
        for python in [*found, *([Path(system)] if system else [])]:
            if _complete(python):
                return python
    return None


def _complete(python: Path) -> bool:
    """Whether it can make virtual environments and has SQLite; Debian's own is often without the former."""
    asked = [str(python), "-c", "import ensurepip, sqlite3, venv"]
    try:
        return subprocess.run(asked, env=_bare(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _built(folder: Path, version: str, python: Path) -> Path:
    """Builds the environment; a lock keeps two test processes from doing it at once."""
    FOLDER.mkdir(exist_ok=True)
    stamp, wanted = folder / "stamp", _fingerprint(python)
    with (FOLDER / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder, version, python)
            stamp.write_text(wanted)
    return folder


def _build(folder: Path, version: str, python: Path) -> None:
    """Installs the package, then the Django version over it: django-prometheus 2.5 caps Django below 6.1."""
    subprocess.run([python, "-m", "venv", folder], check=True, env=_bare())
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    needed = ["-e", f"{ROOT}[celery]", "gunicorn", "uvicorn", "redis", "django-tasks-db"]
    subprocess.run([*pip, *needed], check=True, env=_bare())
    newest = subprocess.run([*pip, "--no-deps", f"django=={version}.*"], check=False, env=_bare())
    if newest.returncode:
        missing(f"the package index gives no Django {version}")


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _fingerprint(python: Path) -> str:
    """What decides the content: interpreter, place, requirements (the tools' tables of pyproject do not)."""
    requirements = (ROOT / "pyproject.toml").read_text().split("[tool.")[0]
    return f"{python} {ROOT} {hashlib.sha256(requirements.encode()).hexdigest()}"
