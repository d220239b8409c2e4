"""Processes that are neither server nor worker: management commands, the shell, a loop of one's own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.collector import Collector
from tests.conformance.rows import Row, row
from tests.conformance.services import PROJECT, ROOT, Program, Servers, environment
from tests.conformance.telemetry import Line
from tests.processes import Process


@contextmanager
def started(row: Row, collector: Collector, module: str, *words: str) -> Iterator[Program]:
    """A program of the project with its work for this row."""
    argv = [sys.executable, "-m", f"{PROJECT}.{module}", *words]
    with Process(argv, cwd=ROOT, env=environment(collector, ROW=row.key)) as process:
        yield Program(process)


def expect_own(row: Row, seen: Line) -> None:
    """An ID and a trace that this work began itself; the ID is the trace's."""
    row.expect_id(seen, seen["seen_trace_id"])
    with row.aspect("trace"):
        [*_, first] = row.spans.path(seen["seen_span_id"])
        assert first.trace_id == seen["seen_trace_id"] != row.trace_id


@row("elsewhere", "management command")
def test_command(row: Row, collector: Collector) -> None:
    with started(row, collector, "manage", "tell", row.key) as program:
        whole, step = program.witness(row, "command"), program.witness(row, "step")
        expect_own(row, whole)
        expect_own(row, step)
        row.expect_clean(program)
        with row.aspect("also"):
            names = [span.name for span in row.spans.path(step["seen_span_id"])]
            assert names == ["step", "manage.py tell"]
            assert {line["correlation_id"] for line in program.lines.all()} == {whole["seen"], None}


@row(
    "elsewhere",
    "management command, ended by SIGTERM once it has recorded something",
    without={"clean": "the process is gone"},
)
def test_command_sigterm(row: Row, collector: Collector) -> None:
    with started(row, collector, "manage", "tell", row.key, "--forever") as program:
        step = program.witness(row, "step")
        program.witness(row, "waiting")
        status = program.process.stop()
    expect_own(row, step)
    with row.aspect("also"):
        assert status == -signal.SIGTERM
        assert row.spans.path(step["seen_span_id"])[-1].raw.status.code == 2


@row("elsewhere", "management command called in a request")
def test_command_called(row: Row, servers: Servers) -> None:
    server = servers["gunicorn gthread"]
    server.get("/commands/called/", row)
    row.expect(server.witness(row, "step"), server)


@row("elsewhere", "management command started by a request, through the environment")
def test_command_started(row: Row, servers: Servers) -> None:
    server = servers["gunicorn gthread"]
    server.get("/commands/started/", row)
    row.expect(server.witness(row, "step"), server)


@row("elsewhere", "`manage.py shell`, by `correlated()`")
def test_shell(row: Row, collector: Collector) -> None:
    code = f"from {PROJECT}.cron import turn; turn({row.key!r})"
    with started(row, collector, "manage", "shell", "-c", code) as program:
        seen = program.witness(row, "turn")
        row.expect_id(seen, seen["seen"] or "an ID")
        with row.aspect("trace"):
            assert [span.name for span in row.spans.path(seen["seen_span_id"])] == ["turn"]
        row.expect_clean(program, 2)


@row("elsewhere", "loop as cron would run it, by `correlated()`: an ID for each turn")
def test_cron(row: Row, collector: Collector) -> None:
    with started(row, collector, "cron", row.key) as program:
        turns = program.witnesses(row, "turn", 3)
        for seen in turns:
            row.expect_id(seen, seen["seen"] or "an ID")
        with row.aspect("trace"):
            assert len({seen["seen_trace_id"] for seen in turns}) == 3
        row.expect_clean(program, 3)
        with row.aspect("also"):
            assert len({seen["correlation_id"] for seen in turns}) == 3
