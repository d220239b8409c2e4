"""Both sides' programs, run at once beside the servers that they call."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.demo.servers import postgresql
from tests.differential.service import service
from tests.differential.spans import Seen
from tests.differential.table import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
SIDES = ("ours", "upstream")
PATIENCE = 120

Found = dict[str, list[Seen]]
"""The spans of each row."""


def of_both(folder: Path) -> dict[str, Found]:
    """The spans of every row: by `upstream`, and by us in the layers `wire` and `span` (see sides.py)."""
    with _surroundings() as variables:
        running = [_Program(side, name, folder, variables) for side in SIDES for name in PROGRAMS]
        told = [each.told() for each in running]
    found: dict[str, Found] = {"wire": {}, "span": {}, "upstream": {}}
    for program, layers in zip(running, told, strict=True):
        for layer, rows in layers.items():
            place = layer if program.side == "ours" else "upstream"
            found[place] |= {row: [_seen(each) for each in spans] for row, spans in rows.items()}
    return found


@contextmanager
def _surroundings() -> Iterator[dict[str, str]]:
    """A database, a service and a port that refuses, each the same for both sides."""
    with postgresql("shop") as database, service() as url, socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))  # and does not listen
        for side in SIDES:
            database.ask("shop", f"create schema {side}")
        yield {
            "POSTGRESQL_PORT": database.url.rpartition(":")[2].partition("/")[0],
            "SERVICE": url,
            "REFUSING": f"http://127.0.0.1:{refusing.getsockname()[1]}",
        }


class _Program:
    def __init__(self, side: str, name: str, folder: Path, variables: dict[str, str]) -> None:
        self.side, self.name, self._target = side, name, folder / f"{side}-{name}.json"
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "DJANGO_"))
        }
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.differential.program", name, str(self._target)],
            cwd=ROOT,
            env=inherited | variables | {"SIDE": side},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """What it wrote, once it has ended."""
        try:
            _, errors = self._popen.communicate(timeout=PATIENCE)
        finally:
            self._popen.kill()
        assert self._popen.returncode == 0, f"{self.side} {self.name}: {errors}"
        told: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(self._target.read_text())
        return told


def _seen(told: dict[str, Any]) -> Seen:
    pairs = {name: [(first, second) for first, second in told[name]] for name in ("events", "links")}
    code, description = told["status"]
    return Seen(**{**told, **pairs, "status": (code, description)})
