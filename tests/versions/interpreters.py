"""The Pythons of this machine: the running one, pyenv's, the system's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def interpreter(version: str) -> Path | None:
    """A Python of that version ("3.12") that can make virtual environments and has SQLite, or None."""
    homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*"), reverse=True)
    system = shutil.which(f"python{version}")
    running = [Path(sys.executable)] if version == f"3.{sys.version_info.minor}" else []
    candidates = [*running, *(home / "bin/python" for home in homes), *([Path(system)] if system else [])]
    return next((found for found in candidates if _complete(found)), None)


def newest(versions: tuple[str, ...]) -> str:
    """The last of the versions, which are in order, that this machine has; the last if it has none."""
    return next((version for version in reversed(versions) if interpreter(version)), versions[-1])


def _complete(python: Path) -> bool:
    """Debian's own is often without venv; one of pyenv's may have been built without SQLite."""
    asked = [str(python), "-I", "-c", "import ensurepip, sqlite3, venv"]
    try:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
