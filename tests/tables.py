"""Tables that a run of tests writes: a test is a cell, gathered from all workers, told by a Markdown page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cell:
    """One row in one column, as it came out."""

    group: str
    row: str
    column: str
    outcome: str = "passed"
    place: int = 0
    """Where the test stands among all."""


Told = TypeVar("Told", bound=Cell)


class Report(Generic[Told]):
    """A plugin: gathers the cells from all workers of a run and writes them to `target` at its end.

    As JSON where the file's name ends so, else as `page` tells them and the run's seconds.
    """

    def __init__(
        self,
        target: Path,
        kind: type[Told],
        cell_of: Callable[[pytest.Item], Told | None],
        page: Callable[[list[Told], float], str],
    ) -> None:
        self._target, self._kind, self._cell_of, self._page = target, kind, cell_of, page
        self._cells: dict[int, Told] = {}
        self._started = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "cell":
                cell = self._kind(**value)  # type: ignore[arg-type]
                self._cells[cell.place] = cell

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.config.option.collectonly:
            found = filter(None, map(self._cell_of, session.items))
            self._cells = {cell.place: replace(cell, outcome="collected") for cell in found}

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes what a run that came to its end has found."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        cells = [self._cells[place] for place in sorted(self._cells)]
        if self._target.suffix == ".json":
            self._target.write_text(json.dumps([asdict(cell) for cell in cells], indent=1) + "\n")
        else:
            self._target.write_text(self._page(cells, time.monotonic() - self._started))


def gather(
    config: pytest.Config,
    option: str,
    kind: type[Told],
    cell_of: Callable[[pytest.Item], Told | None],
    page: Callable[[list[Told], float], str],
) -> None:
    """Registers the report that writes to the file given by `option`, in the process that started the run."""
    target = config.getoption(option, None)
    if target and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(Path(target), kind, cell_of, page))


def parameters(item: pytest.Item) -> dict[str, Any]:
    """What a test was parametrised with."""
    return item.callspec.params if hasattr(item, "callspec") else {}


def tell(report: pytest.TestReport, cell: Cell) -> None:
    """Has the report bring its cell to where the cells are gathered."""
    report.user_properties = [*report.user_properties, ("cell", asdict(cell))]


def run(target: Path, option: str, *arguments: str, **variables: str) -> list[dict[str, Any]]:
    """The cells of a run of its own, which `option` (such as --conformance) has written to `target`."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO"))
    }
    ran = subprocess.run(
        [*argv, *arguments, option, str(target)],
        cwd=ROOT,
        env={**environment, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert target.exists(), ran.stdout + ran.stderr
    cells: list[dict[str, Any]] = json.loads(target.read_text())
    return cells


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(each.replace("|", "\\|") for each in line) + " |" for line in lines)
