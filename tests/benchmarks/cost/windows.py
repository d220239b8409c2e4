"""Instructions per request, counted by valgrind; load on the machine does not change them.

callgrind counts windows: it is told to begin before an order to the measured process and to write down what
it has when the order is carried out. Where vgdb, which tells it, may not reach the process (ptrace),
cachegrind counts whole processes, one with some orders more than the other.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.cost.measured import Measured

_QUIET = ["valgrind", "--quiet", "--trace-children=no"]
_CONTROL_SECONDS = 30


FIRST = 20
"""Requests of each view before those that are counted, under the same valgrind."""


class RefusedError(RuntimeError):
    """vgdb is missing, or does not reach the process."""


def missing() -> str:
    """Why nothing can be counted, or nothing."""
    return "" if shutil.which("valgrind") else "valgrind is not installed (apt package valgrind)"


def requests_of(view: str) -> int:
    """In a window, with one export at its end; a view that leaves four spans has half as many."""
    return 50 if view == "orm" else 100


def counted(name: str, views: Sequence[str], variables: Mapping[str, str] | None = None) -> dict[str, float]:
    """Instructions per request of that configuration, by view."""
    given = dict(variables or {})
    try:
        return _by_windows(name, views, given)
    except RefusedError:
        return by_difference(name, views, given)


def by_difference(name: str, views: Sequence[str], variables: dict[str, str]) -> dict[str, float]:
    """The slow way: two processes for each view, and what more orders add; their starts differ a little."""
    more = 3
    found = {}
    for view in views:
        least, most = (_whole(name, view, orders, variables) for orders in (1, 1 + more))
        found[view] = (most - least) / more / requests_of(view)
    return found


def _by_windows(name: str, views: Sequence[str], variables: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        out = Path(folder, "out")
        program = [*_QUIET, "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        with Measured(name, list(views), program, variables) as process:
            _control(process, "instrumentation on")
            for view in views:
                process.prepare()
                process.run(view, FIRST)
                found[view] = _window(process, view, out) / requests_of(view)
    return found


def _window(process: Measured, view: str, out: Path) -> int:
    process.prepare()
    _control(process, "zero")
    process.run(view, requests_of(view))
    _control(process, "dump")
    dumps = sorted(out.parent.glob(f"{out.name}.*"), key=lambda path: path.stat().st_mtime_ns)
    if not dumps:
        raise RefusedError("callgrind has written nothing")
    total = _total(dumps[-1])
    for dump in dumps:
        dump.unlink()
    return total


def _control(process: Measured, order: str) -> None:
    try:
        done = subprocess.run(
            ["vgdb", f"--pid={process.pid}", order],
            capture_output=True,
            text=True,
            timeout=_CONTROL_SECONDS,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise RefusedError(str(error)) from error
    if done.returncode:
        raise RefusedError(done.stdout + done.stderr)


def _whole(name: str, view: str, orders: int, variables: dict[str, str]) -> int:
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        out = Path(folder, "out")
        program = [*_QUIET, "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={out}"]
        with Measured(name, [view], program, variables) as process:
            for _ in range(orders):
                process.prepare()
                process.run(view, requests_of(view))
            process.end()
        return _total(out)


def _total(path: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE)
    if found is None:
        raise RefusedError(f"{path.name} has no total")
    return int(found[1])
