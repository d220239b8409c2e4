"""Real programs for tests: on free ports, waited for by condition, stopped by their own process group."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, TypeVar, final
from urllib.parse import urlsplit

import pytest

Value = TypeVar("Value")
POLL_SECONDS = 0.05
WARM_SHUTDOWN_SECONDS = 60
"""For a Celery worker: one process of a prefork pool may wait 30 for its parent to take its last result.

With no kit at all it does so in one of ten ends that come within 60 ms of a task.
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are looked up in any case."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def get(
    url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", timeout: float = 20
) -> Answer:
    """One request over the wire, with nothing added but Host (and that too can be given)."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(
            method, f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers or {}
        )
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def wait_until(condition: Callable[[], Value], what: str, timeout: float = 30) -> Value:
    """What `condition` answers once that is true-ish; fails the test with `what` when it never is.

    A refused or broken connection counts as "not yet".
    """
    deadline = time.monotonic() + timeout
    while True:
        with suppress(OSError, http.client.HTTPException):
            if value := condition():
                return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


def require(program: str, apt_package: str) -> str:
    """The path of `program`; without it the test is skipped, or fails under OBSERVE_REQUIRE_REAL=1.

    Debian keeps PostgreSQL's server programs off the PATH, so its folder is looked in as well.
    """
    folders = [os.environ.get("PATH", os.defpath), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(program, path=os.pathsep.join(folders))
    if found is None:
        missing(f"{program} is not installed (apt package {apt_package})")
    return found


def missing(reason: str) -> NoReturn:
    """Skips for want of a real part; under OBSERVE_REQUIRE_REAL=1, as in CI, that is a failure."""
    if os.environ.get("OBSERVE_REQUIRE_REAL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@final
class Process:
    """A program under test, as a context manager; its output goes to files, so that no pipe can fill up.

    `env` comes on top of this process's own environment; None takes a variable away. A descriptor as `out` or
    `err` takes the file's place.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        out: int | None = None,
        err: int | None = None,
    ) -> None:
        self._given_out, self._given_err = out, err
        self.argv = [str(word) for word in argv]
        self._cwd = cwd
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        self._env = {name: value for name, value in variables.items() if value is not None}
        self._folder = tempfile.TemporaryDirectory(prefix="observe-test-")
        self._out = Path(self._folder.name, "stdout")
        self._err = Path(self._folder.name, "stderr")

    def __enter__(self) -> Process:
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                self.argv,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out if self._given_out is None else self._given_out,
                stderr=err if self._given_err is None else self._given_err,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            print(f"--- {' '.join(self.argv)}\n{self.stdout}\n--- stderr\n{self.stderr}")  # noqa: T201
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def stdout_path(self) -> Path:
        """The file that its stdout goes to."""
        return self._out

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it has complained of so far."""
        return self._err.read_text(errors="replace")

    def wait_for(self, condition: Callable[[], Value], what: str, timeout: float = 30) -> Value:
        """As `wait_until`, but a program that has ended ends the waiting."""

        def alive() -> Value:
            value = condition()
            if not value and self.popen.poll() is not None:
                pytest.fail(
                    f"{self.argv[0]} ended with {self.popen.returncode}, waiting for {what}\n{self.stderr}"
                )
            return value

        return wait_until(alive, what, timeout)

    def wait_for_line(self, part: str, timeout: float = 30) -> str:
        """The first line of stdout or stderr that holds `part`."""

        def line() -> str:
            return next((line for line in (self.stdout + self.stderr).splitlines() if part in line), "")

        return self.wait_for(line, f"a line with {part!r}", timeout)

    def wait_for_http(self, url: str, timeout: float = 30) -> Answer:
        """The first HTTP answer from `url`, whatever its status."""
        wait_until(lambda: self._listens(url), f"an answer from {url}", timeout)
        return get(url)

    def stop(self, timeout: float = 10) -> int:
        """SIGTERM, then SIGKILL after `timeout` seconds, to it and what it left behind; its exit status."""
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self._kill()
            return self.popen.wait()
        finally:
            self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def _listens(self, url: str) -> bool:
        if self.popen.poll() is not None:
            pytest.fail(f"{self.argv[0]} ended with {self.popen.returncode}\n{self.stdout}\n{self.stderr}")
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
            return True
