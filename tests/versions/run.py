"""Runs a session: its environment, then its tests, from the sdist and within a bound of time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.versions import environment
from tests.versions.distribution import Distribution
from tests.versions.environment import Environment
from tests.versions.interpreters import interpreter
from tests.versions.sessions import Session

FOLDER = Path(__file__).resolve().parents[2] / "build" / "versions"


@dataclass(frozen=True)
class Outcome:
    """How a session ended: `says` in a few words, `passed` False where a test failed or nothing could run."""

    session: Session
    passed: bool
    says: str
    seconds: float = 0.0


def run(session: Session, distribution: Distribution, workers: int, minutes: float) -> Outcome:
    """Runs one session; what pytest prints is in `build/versions/<name>.log`, versions in `<name>.txt`."""
    python = interpreter(session.python)
    if python is None:
        return Outcome(session, passed=True, says=f"not run: no Python {session.python} here")
    begun = time.monotonic()
    try:
        made = environment.create(session, distribution, python, FOLDER / session.name)
    except subprocess.CalledProcessError as failed:
        return Outcome(session, passed=False, says=f"pip ended with {failed.returncode}")
    (FOLDER / f"{session.name}.txt").write_text(made.versions())
    tree = distribution.unpack(FOLDER / f"{session.name}-sdist")
    status = _pytest(session, made, tree, workers, minutes * 60)
    says = _summary(FOLDER / f"{session.name}.log") if status is not None else f"over {minutes:g} minutes"
    if session.types and status == 0:
        status = _types(made, tree)
        says += ", types hold" if status == 0 else ", mypy complains"
    return Outcome(session, passed=status == 0, says=says, seconds=time.monotonic() - begun)


def _pytest(session: Session, made: Environment, tree: Path, workers: int, seconds: float) -> int | None:
    """The exit status, or None if it took too long; then it is ended with all that it started."""
    names = [str(path.relative_to(tree)) for pattern in session.tests for path in sorted(tree.glob(pattern))]
    without = {f"tests/test_{name}.py" for name in session.without}
    chosen = [name for name in names if name not in without] + (["-k", session.only] if session.only else [])
    argv = [str(made.python), "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile", *chosen]
    chosen_django = {"ONELINE_DJANGO": session.django} if session.django else {}
    with (FOLDER / f"{session.name}.log").open("w") as log:
        started = subprocess.Popen(
            argv,
            cwd=tree,
            env=environment.variables(**chosen_django),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return started.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGTERM)
                started.wait()


def _types(made: Environment, tree: Path) -> int:
    """Runs mypy in strict mode on a file that uses every public name, against the installed package alone."""
    made.install("mypy")
    argv = [str(made.python), "-m", "mypy", "--strict", "--config-file=", "tests/typing/public.py"]
    return subprocess.run(argv, cwd=tree, env=environment.variables(), check=False).returncode


def _summary(log: Path) -> str:
    """The end of pytest's last line: "3435 passed, 1 skipped in 244.84s"."""
    found = re.findall(
        r"^=* ?(\d+ (?:passed|failed|error|skipped).*?) in [\d.]+s", log.read_text(), re.MULTILINE
    )
    return str(found[-1]) if found else "pytest did not get to a summary"
