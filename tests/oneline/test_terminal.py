"""runserver on a developer's terminal: lines for people, one for each request."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from demo_services.ports import free_port
from tests.oneline.environments import Environment
from tests.oneline.project import command
from tests.oneline.service import ABSENT
from tests.processes import get, wait_until

LINE = re.compile(
    r"\x1b\[2m\d\d:\d\d:\d\d\.\d{3}\x1b\[0m  "
    r"\x1b\[(?P<colour>\d+)m(?P<level>[A-Z ]{8})\x1b\[0m  "
    r"\x1b\[1m(?P<request>\S+ \S+ \d+) [\d.]+ ms\x1b\[0m.*"
)
"""Time, level padded to the width of the longest, request, and what may follow."""

GREEN, RED = "32", "31"


def test_each_request_is_one_coloured_and_aligned_line(
    django_environment: Environment, project: Path
) -> None:
    port = free_port()
    with on_a_terminal(command(django_environment, "runserver", port), project) as screen:
        wait_until(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200, "the server")
        for path in ("/", "/nowhere/", "/broken/"):
            get(f"http://127.0.0.1:{port}{path}")
        wait_until(lambda: "ZeroDivisionError: broken on purpose" in screen.decode(), "the traceback")
    lines = screen.decode().splitlines()
    found = [LINE.fullmatch(line) for line in lines if "GET" in line]
    assert [match and match.group("request", "level", "colour") for match in found] == [
        ("GET / 200", "INFO    ", GREEN),
        ("GET /nowhere/ 404", "INFO    ", GREEN),
        ("GET /broken/ 500", "ERROR   ", RED),
    ], lines
    [own] = [line for line in lines if "a basket was opened" in line]
    assert own.startswith("\x1b[2m")
    assert not [line for line in lines if line.startswith("{")]


@contextmanager
def on_a_terminal(argv: list[str | Path], folder: Path) -> Iterator[bytearray]:
    """Runs a program with a pseudo-terminal as its stdout and stderr; what it has printed so far."""
    absent = {*ABSENT, "NO_COLOR"}
    variables = {name: value for name, value in os.environ.items() if name not in absent}
    ours, its = pty.openpty()
    screen = bytearray()
    reader = threading.Thread(target=_read, args=(ours, screen))
    program = subprocess.Popen(
        argv,
        cwd=folder,
        env={**variables, "TERM": "xterm"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    reader.start()
    try:
        yield screen
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        reader.join(10)
        os.close(ours)


def _read(terminal: int, screen: bytearray) -> None:
    with suppress(OSError):  # the end of a terminal is an error
        while part := os.read(terminal, 4_096):
            screen.extend(part)
