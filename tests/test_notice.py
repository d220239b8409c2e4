"""A line on stderr that nobody waits for, whatever stderr is."""

from __future__ import annotations

import io
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from demo_services.ports import free_port
from django_observe import notice
from django_observe.ledger import Ledger
from django_observe.notice import Notice, said

LOST = Ledger(accepted=9, dropped={"refused": 9})


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a descriptor the process's stderr, as far as Python is concerned."""

    def replace(fd: int) -> None:
        monkeypatch.setattr(sys, "stderr", open(fd, "w", closefd=False))  # noqa: SIM115

    return replace


def test_a_pipe_takes_a_line_or_is_full(stderr: Callable[[int], None]) -> None:
    reading, writing = os.pipe()
    stderr(writing)
    try:
        assert said("hello")
        assert os.read(reading, 100) == b"hello\n"
        count = 0
        while said("x" * 10_000):
            count += 1
        assert 100 <= count <= 128, "64 KiB in lines of 512 bytes"
        assert os.get_blocking(writing), "the flag would be everybody's who shares the pipe"
        os.close(reading)
        assert not said("nobody will ever read")
    finally:
        os.close(writing)


def test_a_socket_takes_a_line_or_is_full(stderr: Callable[[int], None]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stderr(ours.fileno())
        assert said("hello")
        assert theirs.recv(100) == b"hello\n"
        while said("x" * 10_000):
            pass
        assert ours.getblocking()


def test_a_terminal_takes_a_line(stderr: Callable[[int], None]) -> None:
    ours, theirs = pty.openpty()
    try:
        stderr(theirs)
        assert said("hello")
        assert os.read(ours, 100) == b"hello\r\n"
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_file_is_appended_to(stderr: Callable[[int], None], tmp_path: Path) -> None:
    path = tmp_path / "stderr"
    with path.open("wb", buffering=0) as file:
        stderr(file.fileno())
        file.write(b"before\n")
        assert said("hello")
        file.write(b"after\n")
    assert path.read_bytes() == b"before\nhello\nafter\n"


def test_what_is_in_memory_takes_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = io.StringIO()
    monkeypatch.setattr(sys, "stderr", memory)
    assert said("h\xe9llo \ud800")
    assert memory.getvalue() == "h\xe9llo ?\n"


def test_a_stderr_that_is_none_or_closed_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert not said("hello")
    with (tmp_path / "stderr").open("w") as file:
        pass
    monkeypatch.setattr(sys, "stderr", file)
    assert not said("hello")


def test_what_was_not_taken_is_told_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notice, "NOTICE_SECONDS", 0.0)
    told = Notice("traces")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        told.tell(LOST, "")
    assert told.due(LOST) == 0
    told.tell(LOST, "")
    assert told.due(LOST) is None
    assert capsys.readouterr().err == "django_observe: traces: 9 of 9 records lost (refused 9), 0 queued\n"


SCRIPT = """
import atexit, logging, os, sys, threading
import django
atexit.register(os._exit, 0)  # after ours, before logging's
django.setup()
from opentelemetry import trace
{fill}
for number in range(3000):
    trace.get_tracer("shop").start_span("span").end()
print("done", flush=True)
"""
FILL = """
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x")
except BlockingIOError:
    os.set_blocking(2, True)
holds = threading.Thread(target=lambda: (sys.stderr.write("y"), sys.stderr.flush()), daemon=True)
holds.start()
"""
"""Nobody reads it, and a thread waits for a reader with the stream's lock in its hands."""

EXIT = "\nthreading._shutdown()\natexit._run_exitfuncs()"
"""As Python exits, but without the flushes of stderr by itself and by logging: they wait for a reader."""


@pytest.mark.parametrize("end", ["exit", "SIGTERM"])
@pytest.mark.parametrize("fill", [FILL, "sys.stderr.close()", "os.close(2)"], ids=["full", "closed", "gone"])
def test_a_stderr_that_takes_nothing_does_not_hold_the_exit_back(fill: str, end: str) -> None:
    ending = "\nthreading.Event().wait(60)" if end == "SIGTERM" else EXIT
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.project.settings",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "10",
    }
    reading, writing = os.pipe()
    argv = [sys.executable, "-c", SCRIPT.format(fill=fill) + ending]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=writing) as process:
        os.close(writing)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"done\n"
            started = monotonic()
            if end == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            status = process.wait(10)
            assert monotonic() - started < 4
        finally:
            process.kill()
            os.close(reading)
    assert status == (-signal.SIGTERM if end == "SIGTERM" else 0) or fill != FILL
