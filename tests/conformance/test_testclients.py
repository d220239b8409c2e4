"""Django: its test clients, in a process such as a project's tests run in."""

from __future__ import annotations

import json
import sys

import pytest

from tests.collector import Collector
from tests.conformance.rows import Row, row
from tests.conformance.services import PROJECT, ROOT, Program, environment
from tests.processes import Process


@row("Django", "Django's test {client}")
@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_test_client(row: Row, collector: Collector, database: str, client: str) -> None:
    argv = [sys.executable, "-m", f"{PROJECT}.clients", client, row.key, json.dumps(row.headers)]
    variables = environment(collector, CONFORMANCE_DATABASE=database)
    with Process(argv, cwd=ROOT, env=variables) as process:
        program = Program(process)
        for place in ("view", "step", "end"):
            seen = program.witness(row, place)
            row.expect_id(seen)
            row.expect_trace(seen)
        row.expect_clean(program)
        with row.aspect("also"):
            told = program.lines.where(event="request", correlation_id=row.identifier)
            assert len({line["span_id"] for line in told}) == len(told) == 2
