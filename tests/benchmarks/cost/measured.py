"""A process that is measured, and the receiver of its spans: each order is checked against what arrived."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import IO

from typing_extensions import Self

from tests.benchmarks.cost.configurations import CONFIGURATIONS, HELD_BACK, NEIGHBOUR, environment
from tests.benchmarks.cost.neighbour import neighbour
from tests.collector import Collector
from tests.tables import ROOT

SPANS = {"json": 1, "orm": 4, "outbound": 2, "stream": 1, "async": 1, "task": 2, "publish": 1}
"""That one of each leaves: its own, and one for each query and each call."""


class VoidError(RuntimeError):
    """What was measured is not what it was to be: spans are missing, or the process has failed."""


class Measured:
    """As a context manager, started by `program` (a valgrind, say)."""

    def __init__(self, name: str, views: list[str], program: list[str], variables: dict[str, str]) -> None:
        self.configuration, self._name, self._views = CONFIGURATIONS[name], name, views
        self._program, self._variables = program, variables
        self._stack = ExitStack()
        self._collector = Collector()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._collector)
        variables = environment(self._name, self._collector.url)
        variables |= {**HELD_BACK, NEIGHBOUR: self._stack.enter_context(neighbour()), **self._variables}
        self._errors: IO[str] = self._stack.enter_context(tempfile.TemporaryFile("w+"))
        self._process = subprocess.Popen(
            [*self._program, sys.executable, "-m", "tests.benchmarks.cost.child", *self._views],
            cwd=ROOT,
            env=_without_none(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._stack.callback(self._end)
        try:
            self._expect("warm")
        except VoidError:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def prepare(self) -> None:
        """To be called before each measurement."""
        self._collector.requests.clear()
        self._order("ready")
        self._expect("ready")

    def run(self, view: str, number: int) -> float:
        """Makes so many requests; the CPU seconds that they took.

        Raises:
            VoidError: other spans have arrived than they were to leave.
        """
        self._order(f"{view} {number}")
        seconds = float(self._answer())
        arrived, expected = len(self._collector.spans()), self._expected(view, number)
        if arrived != expected:
            raise VoidError(f"{self._name}, {view}: {arrived} spans have arrived, not {expected}")
        return seconds

    def end(self) -> None:
        """Has it end by itself."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)

    def _expected(self, view: str, number: int) -> int:
        if not self.configuration.traces:
            return 0
        return SPANS[view] * number // (10 if self.configuration.tenth else 1)

    def _order(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout
        answer = self._process.stdout.readline().strip()
        if not answer:
            self._errors.seek(0)
            raise VoidError(f"{self._name} has ended:\n{self._errors.read()}")
        return answer

    def _expect(self, answer: str) -> None:
        if (found := self._answer()) != answer:
            raise VoidError(f"{self._name} answered {found!r}, not {answer!r}")

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


def _without_none(variables: dict[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, **variables}
    return {name: value for name, value in merged.items() if value is not None}
