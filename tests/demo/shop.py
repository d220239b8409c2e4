"""The demo as a user runs it, for tests: `python -m demo_services` on ports of its own."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo_services.ports import Ports
from tests.processes import Process

ROOT = Path(__file__).resolve().parents[2]
HIGHEST_OFFSET = 22_900
"""Above it the ports would be among those that Linux gives to outgoing connections."""


def environment(state: Path, **more: str) -> dict[str, str]:
    """The environment of a user who has set nothing but these."""
    return {
        "PYTHONPATH": str(ROOT),
        "DEMO_STATE": str(state),
        "TMPDIR": str(state),
        "TRAFFIC": "0",
        "COLUMNS": "120",
        **more,
    }


def free_offset() -> int:
    """An offset at which every port of the demo is free; two test processes hardly ever find the same."""
    for offset in range(10_000 + os.getpid() * 7919 % 1200 * 10, HIGHEST_OFFSET, 10):
        if not Ports.moved(offset).taken():
            return offset
    raise AssertionError("no offset leaves all ports free")


@dataclass(frozen=True)
class Shop:
    """A demo that has placed its first order."""

    ports: Ports
    state: Path
    process: Process

    def pid(self, name: str) -> int:
        """The process ID of one of its programs, which is its group's as well."""
        return int((self.state / "pid" / name).read_text())

    def log(self, name: str) -> str:
        """The output of one of its programs."""
        return (self.state / "log" / f"{name}.log").read_text()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """One of its programs hangs: it accepts connections and answers nothing."""
        os.killpg(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid(name), signal.SIGCONT)


@contextmanager
def open_shop(**more: str) -> Iterator[Shop]:
    """Run the demo until it says that Ctrl-C stops it."""
    offset = free_offset()
    with tempfile.TemporaryDirectory(prefix="observe-demo-") as folder:
        settings = environment(Path(folder), DEMO_PORT_OFFSET=str(offset), **more)
        with Process([sys.executable, "-m", "demo_services"], cwd=ROOT, env=settings) as process:
            process.wait_for_line("Ctrl-C stops everything", timeout=90)
            yield Shop(Ports.moved(offset), Path(folder), process)


def processes_of(state: Path) -> list[str]:
    """The command lines of all living processes whose state is in this folder."""
    mark = f"DEMO_STATE={state}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not re.fullmatch(r"\d+", folder.name):
            continue
        try:
            alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
