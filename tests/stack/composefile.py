"""docker-compose.yml as each Compose that is installed resolves it; no daemon is needed for that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.processes import require

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "docker-compose.yml"
PROFILES: Final = ("load", "rabbitmq")


def commands() -> list[list[str]]:
    """Each Compose of this machine: the plugin (v2), and the program; the latter where there is none."""
    found = []
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], check=False, capture_output=True)
        found += [["docker", "compose"]] if asked.returncode == 0 else []
    return [*found, ["docker-compose"]] if shutil.which("docker-compose") or not found else found


def config(
    command: list[str], variables: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """`config` with every profile, on these variables alone."""
    environment = folder / "environment"
    environment.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    profiles = [word for profile in PROFILES for word in ("--profile", profile)]
    files = ["--project-directory", str(ROOT), "--file", str(FILE), "--env-file", str(environment)]
    return subprocess.run(
        [require(command[0], "docker-compose"), *command[1:], *files, *profiles, "config"],
        check=False,
        capture_output=True,
        text=True,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
    )


def required() -> set[str]:
    """The variables Compose asks for, read from the text."""
    return set(re.findall(r"\$\{(\w+):\?", FILE.read_text()))


def services() -> dict[str, Any]:
    """The services as the file has them, for what tests need of their commands and mounts."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text())
    found: dict[str, Any] = read["services"]
    return found


def laid_out(service: str, below: str, folder: Path) -> None:
    """Copies what `service` has mounted below a folder of its container to `folder`, as it lies there."""
    for volume in services()[service]["volumes"]:
        source, target, *_ = volume.split(":")
        if not source.startswith("./") or not target.startswith(below):
            continue
        place = folder / Path(target).relative_to(below)
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / source, place)
