"""A shell that is typed into, as a reader's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import final

POLL_SECONDS, END_SECONDS = 0.05, 10.0


class TutorialError(Exception):
    """The page could not be followed."""


@final
class Terminal:
    """A bash with a working directory, and all that it has printed; the end ends what runs in it."""

    def __init__(self, folder: Path, variables: Mapping[str, str], printed: Path) -> None:
        self._printed = printed
        self._out = printed.open("wb")
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env={**variables, "PYTHONUNBUFFERED": "1"},  # as on a terminal, which this file is not
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._commands = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._shell.pid, signal.SIGTERM)
        if self._shell.stdin:
            self._shell.stdin.close()
        self._shell.wait()
        deadline = time.monotonic() + END_SECONDS
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self._shell.pid, 0)
                time.sleep(POLL_SECONDS)
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._out.close()

    def printed(self) -> str:
        """Everything so far."""
        return self._printed.read_text(errors="replace")

    def start(self, command: str) -> int:
        """Types a command; where in `printed` its output begins."""
        begins = len(self.printed())
        if not self._shell.stdin:
            raise TutorialError("this terminal is closed")
        self._shell.stdin.write(f"{command}\n".encode())
        self._shell.stdin.flush()
        return begins

    def run(self, command: str, timeout: float) -> str:
        """Types a command and waits for its end; what it printed. TutorialError unless it succeeds."""
        self._commands += 1
        mark = f"--- end {self._commands}: "
        begins = self.start(f'{command}\necho "\n{mark}$?"')
        deadline = time.monotonic() + timeout
        while mark not in (printed := self.printed()[begins:]) or not printed.endswith("\n"):
            if time.monotonic() > deadline or self._shell.poll() is not None:
                raise TutorialError(f"{command}: no end after {timeout:.0f} s\n{printed}")
            time.sleep(POLL_SECONDS)
        output, _, status = printed.partition(f"\n{mark}")
        if status.strip() != "0":
            raise TutorialError(f"{command}: exit status {status.strip()}\n{output}")
        return output
