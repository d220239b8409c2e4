"""Virtual environments, one per Django version, built once per machine below `.venv-matrix/`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import django

from tests.processes import missing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-matrix"
PYTHONS = {"4.2": (3, 10, 12), "5.2": (3, 10, 14), "6.1": (3, 12, 14)}
"""Django versions of the matrix, each with the lowest and the highest Python 3 it supports."""


@dataclass(frozen=True)
class Environment:
    """A Django version and the folder of its programs."""

    django: str
    bin: Path

    def program(self, name: str) -> Path:
        return self.bin / name


def environment(version: str) -> Environment:
    """The environment of a Django version: the running one where it fits, else one of its own.

    Skips where no interpreter on this machine is one the version supports.
    """
    if django.get_version().startswith(f"{version}."):
        return Environment(version, Path(sys.executable).parent)
    python = _interpreter(version)
    if python is None:
        low = PYTHONS[version][1]
        reason = f"Django {version} needs Python 3.{low} or later (apt package python3.{low}-venv, or pyenv)"
        missing(reason)
    return Environment(version, _built(version, python) / "bin")


def _interpreter(version: str) -> Path | None:
    _, low, high = PYTHONS[version]
    if low <= sys.version_info.minor <= high:
        return Path(sys.executable)
    folders = sorted(Path.home().glob(".pyenv/versions/3.*"))
    for minor in range(low, high + 1):
        homes = [home for home in folders if home.name.startswith(f"3.{minor}.")]
        if homes and (homes[-1] / "bin/python").exists():
            return homes[-1] / "bin/python"
        if found := shutil.which(f"python3.{minor}"):
            return Path(found)
    return None


def _built(version: str, python: Path) -> Path:
    """The folder of the environment; a lock keeps two test processes from building it at once."""
    FOLDER.mkdir(exist_ok=True)
    folder, stamp = FOLDER / version, FOLDER / version / "stamp"
    wanted = _fingerprint(python)
    with (FOLDER / f"{version}.lock").open("w") as lock:
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
    subprocess.run([*pip, "-e", f"{ROOT}[celery]", "gunicorn", "uvicorn", "redis"], check=True, env=_bare())
    subprocess.run([*pip, "--no-deps", f"django=={version}.*"], check=True, env=_bare())


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _fingerprint(python: Path) -> str:
    """What decides the content: interpreter, place, requirements (the tools' tables of pyproject do not)."""
    requirements = (ROOT / "pyproject.toml").read_text().split("[tool.")[0]
    return f"{python} {ROOT} {hashlib.sha256(requirements.encode()).hexdigest()}"
