"""Grafana's types and LogQL grammar, by way of npm: see tests/stack/grafana/."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import missing, require

SOURCES = Path(__file__).parent / "grafana"


@dataclass(frozen=True)
class Answer:
    """`faults` in words; `labels` of each LogQL query, in their order."""

    faults: list[str]
    labels: list[list[str]]


def hold(dashboards: Mapping[str, Any], logql: Sequence[str]) -> Answer:
    """Holds dashboards against @grafana/schema and parses LogQL; skips without Node.js and npm."""
    node, npm = require("node", "nodejs"), require("npm", "npm")
    folder = _installed(npm)
    for name in ("check.mjs", "schema.json"):
        shutil.copyfile(SOURCES / name, folder / name)
    done = subprocess.run(
        [node, "check.mjs"],
        cwd=folder,
        input=json.dumps({"dashboards": dashboards, "logql": logql}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Answer(**json.loads(done.stdout))


def _installed(npm: str) -> Path:
    """A folder outside the tree with the packages of the lock file; made once per version of it."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "django-observe-tests" / f"grafana-{hashlib.sha256(lock).hexdigest()[:16]}"
    ready = folder / "installed"
    if ready.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SOURCES / name, folder / name)
    command = [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        missing(f"npm ci failed (it needs the npm registry once): {done.stderr[-500:]}")
    ready.touch()
    return folder
