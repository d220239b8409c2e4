"""A session's virtual environment: the wheel, what it asks for in the versions wanted, and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from tests.versions.bounds import lowest
from tests.versions.distribution import Distribution
from tests.versions.sessions import Session

TOOLS = ("hypothesis", "pytest", "pytest-django", "pytest-timeout", "pytest-xdist")
CAPPED = "6.1"
"""django-prometheus 2.5 declares Django below this, and runs on it: installed over it, as the README says."""


@dataclass(frozen=True)
class Environment:
    """The environment in a folder."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, *arguments: str) -> None:
        """Installs by the running pip (3.10's own looks for minutes); CalledProcessError if it cannot."""
        subprocess.run([*self._pip(), "install", "--quiet", *arguments], check=True, env=variables())

    def versions(self) -> str:
        """`pip freeze`: what a failure is to be read with."""
        done = subprocess.run([*self._pip(), "freeze"], check=True, env=variables(), stdout=PIPE, text=True)
        return done.stdout

    def _pip(self) -> list[str]:
        return [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]


def variables(**more: str) -> dict[str, str]:
    """This process' environment without what would let Python find the working tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more


def create(session: Session, distribution: Distribution, python: Path, folder: Path) -> Environment:
    """Makes the environment anew: nothing of an earlier run is left."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, env=variables())
    made = Environment(folder)
    extra = f"[{session.extra}]" if session.extra else ""
    asked = [*TOOLS, f"{distribution.wheel}{extra}"]
    if session.extra and session.django != "4.2":
        asked.append("django-tasks-db")  # wants Django 5.2
    made.install(*asked, *_constraints(session, distribution, folder))
    if session.django == CAPPED:
        made.install("--no-deps", f"django=={CAPPED}.*")
    return made


def _constraints(session: Session, distribution: Distribution, folder: Path) -> list[str]:
    constraints = lowest(distribution) if session.lowest else []
    if session.django not in (None, CAPPED) and not session.lowest:
        constraints.append(f"django=={session.django}.*")
    written = folder / "constraints.txt"
    written.write_text("".join(f"{line}\n" for line in constraints))
    return ["--constraint", str(written)]
