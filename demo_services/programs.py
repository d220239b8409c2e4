"""The programs of the demo as processes: started, watched, and stopped without leaving one behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from demo_services.interruption import Interruption

POLL_SECONDS = 0.05
GRACE_SECONDS = 3.6
LAST_GRACE_SECONDS = 4.2
TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, where, and how to know that it is ready (given its log's text); never, if it runs once."""

    name: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[str], bool] | None = None
    needed_to_the_end: bool = False
    started_again: bool = False


class ProgramDiedError(Exception):
    """A program ended that should have run on, or failed; the text holds its last lines."""

    def __init__(self, program: Program, obituary: str) -> None:
        super().__init__(obituary)
        self.program = program


class Running:
    """A program that was started, with its log."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(  # noqa: S603 (our own programs)
                program.argv,
                cwd=program.cwd,
                env=program.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        """All it has printed so far."""
        return self.log.read_text(errors="replace")

    def is_ready(self) -> bool:
        """Whether it is up (or, for one that runs once, done); raises ProgramDiedError."""
        code = self.popen.poll()
        if self.program.ready is None and code == 0:
            return True
        if code is not None:
            raise ProgramDiedError(self.program, self.obituary())
        return self.program.ready is not None and self.program.ready(self.text())

    def signal_all(self, number: signal.Signals) -> None:
        """Signal the program and every process it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def obituary(self) -> str:
        """How it ended, with its last lines."""
        code = self.popen.wait()
        cause = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        lines = self.text().splitlines()[-TAIL_LINES:]
        tail = "\n".join(f"    {_readable(line)}" for line in lines)
        return f"{self.program.name} ended ({cause}); the last lines of {self.log}:\n{tail}"


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        told = f"{record['level']} {record['logger']}: {record['message']}"
    except (ValueError, TypeError, KeyError):
        return line
    return f"{told} ({record['error_type']}: {record['error_message']})" if "error_type" in record else told


class Crew:
    """All programs that run; `stop` leaves none of them, nor any child of theirs.

    While one runs, `<state>/pid/<name>` holds its process ID, which is that of its process group as well.
    """

    def __init__(self, state: Path, interruption: Interruption) -> None:
        self.running: list[Running] = []
        self.log_folder, self._pid_folder = state / "log", state / "pid"
        self._logs: set[Path] = set()
        self._interruption = interruption
        for folder in (self.log_folder, self._pid_folder):
            folder.mkdir(parents=True, exist_ok=True)

    def start(self, program: Program) -> Running:
        """Start a program; its log begins anew with the demo, not when the program is started again."""
        log = self.log_folder / f"{program.name}.log"
        if log not in self._logs:
            log.write_bytes(b"")
            self._logs.add(log)
        with self._interruption.held():
            running = Running(program, log)
            self.running.append(running)
        self._pid_file(program).write_text(str(running.popen.pid))
        return running

    def watch(self) -> None:
        """Raise ProgramDiedError, once, for a program that should run on but has ended."""
        for running in list(self.running):
            if running.popen.poll() is None:
                continue
            self._forget(running)
            if running.program.ready is not None:
                raise ProgramDiedError(running.program, running.obituary())

    def kill(self, name: str) -> None:
        """Take a program away at once, with all it started; KeyError when none of this name runs."""
        self._forget(self._named(name))

    def end(self, name: str) -> None:
        """Ask a program to end, and wait until it has; KeyError when none of this name runs."""
        running = self._named(name)
        running.popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.popen.wait(GRACE_SECONDS)
        self._forget(running)

    def stop(self) -> None:
        """End all, those that the others need last; what is left after some four seconds is killed."""
        started, asked = time.monotonic(), []
        for needed, grace in ((False, GRACE_SECONDS), (True, LAST_GRACE_SECONDS)):
            for running in self.running:
                if running.program.needed_to_the_end == needed:
                    running.popen.terminate()
                    asked.append(running.popen)
            while time.monotonic() - started < grace and any(popen.poll() is None for popen in asked):
                time.sleep(POLL_SECONDS)
        for running in list(self.running):
            self._forget(running)

    def _named(self, name: str) -> Running:
        found = [running for running in self.running if running.program.name == name]
        if not found:
            raise KeyError(name)
        return found[0]

    def _forget(self, running: Running) -> None:
        running.signal_all(signal.SIGKILL)
        running.popen.wait()
        self._pid_file(running.program).unlink(missing_ok=True)
        self.running.remove(running)

    def _pid_file(self, program: Program) -> Path:
        return self._pid_folder / program.name
