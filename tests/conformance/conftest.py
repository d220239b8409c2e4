"""The table's fixtures, and the option that writes it: `pytest tests/conformance --conformance FILE`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite(
    "tests.conformance.rows",
    "tests.conformance.runs",
    "tests.conformance.exchanges",
    "tests.conformance.incoming",
)

from tests.collector import Collector  # noqa: E402
from tests.conformance.rows import Row  # noqa: E402
from tests.conformance.services import (  # noqa: E402
    BROKERS,
    PROJECT,
    ROOT,
    WORKERS,
    Programs,
    Servers,
    Workers,
    environment,
    start_server,
    start_worker,
)
from tests.conformance.table import Cell, page  # noqa: E402
from tests.conformance.telemetry import Spans  # noqa: E402
from tests.demo.servers import rabbitmq  # noqa: E402
from tests.oneline.broker import redis  # noqa: E402

_ROW = pytest.StashKey[Row]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", metavar="FILE", help="write the table (.md) or its cells (.json) there")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(group, name, column): a row of the conformance table")
    if config.getoption("--conformance", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Report(Path(config.getoption("--conformance"))))


def cell_of(item: pytest.Item) -> tuple[str, str, str] | None:
    """Group, row and column of a test, or None where it is none of the table."""
    mark = item.get_closest_marker("row")
    if mark is None:
        return None
    group, name, column = mark.args
    given: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return group, name.format(**given), given.get(column, "")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A row's verdict is part of its test; its aspects are told to the report however it ends."""
    outcome = yield
    cell, row = cell_of(item), item.stash.get(_ROW, None)
    if cell is None or row is None:
        return
    item.user_properties.append(("cell", [*cell, {name: not fault for name, fault in row.aspects.items()}]))
    if outcome.excinfo is None:  # type: ignore[attr-defined]
        try:
            row.verdict()
        except AssertionError as fault:
            outcome.force_exception(fault)  # type: ignore[attr-defined]


class _Report:
    """Gathers the cells from all workers of a run and writes them at its end."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._cells: list[Cell] = []
        self._started = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for name, value in report.user_properties:
                if name == "cell":
                    self._cells.append(Cell(*value, outcome=report.outcome))  # type: ignore[misc]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.config.option.collectonly:
            found = (cell_of(item) for item in session.items)
            self._cells = [Cell(*cell, aspects={}, outcome="collected") for cell in found if cell]

    def pytest_sessionfinish(self) -> None:
        if self._target.suffix == ".json":
            self._target.write_text(json.dumps([asdict(cell) for cell in self._cells], indent=1) + "\n")
        else:
            self._target.write_text(page(self._cells, time.monotonic() - self._started))


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture(scope="session")
def spans(collector: Collector) -> Spans:
    return Spans(collector)


@pytest.fixture
def row(request: pytest.FixtureRequest, spans: Spans) -> Row:
    """The row that a test is."""
    made = Row(spans)
    request.node.stash[_ROW] = made
    return made


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database, which the web servers share: what CONFORMANCE_DATABASE is to name."""
    path = str(tmp_path_factory.mktemp("conformance") / "database.sqlite3")
    variables = {"DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings", "CONFORMANCE_DATABASE": path}
    argv = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(argv, cwd=ROOT, env={**os.environ, **variables}, check=True, timeout=60)
    return path


@pytest.fixture(scope="session")
def servers(collector: Collector, database: str) -> Iterator[Servers]:
    """Web servers by name; see `services.SERVERS`."""
    variables = environment(collector, CONFORMANCE_DATABASE=database)
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis() as url:
        yield url


@pytest.fixture(scope="session")
def brokers(redis_url: str) -> Iterator[Programs[str]]:
    """URLs of brokers by name; results are kept in Redis whichever broker it is."""

    def start(name: str, stack: ExitStack) -> str:
        return redis_url if name == "Redis" else stack.enter_context(rabbitmq())

    with Programs(start) as programs:
        yield programs


@pytest.fixture(scope="session")
def publishers(collector: Collector, brokers: Programs[str], redis_url: str) -> Iterator[Servers]:
    """A web server for each broker."""

    def start(name: str, stack: ExitStack) -> Any:
        variables = environment(collector, BROKER_URL=brokers[name], RESULT_URL=redis_url)
        return start_server("gunicorn gthread", stack, variables)

    with Programs(start) as programs:
        yield programs


@pytest.fixture(scope="session")
def workers(
    collector: Collector, brokers: Programs[str], redis_url: str, publishers: Servers
) -> Iterator[Workers]:
    """Workers by column; see `services.WORKERS`."""

    def start(name: str, stack: ExitStack) -> Any:
        broker = name.split(", ")[1]
        assert broker in BROKERS
        variables = environment(collector, BROKER_URL=brokers[broker], RESULT_URL=redis_url)
        return start_worker(name, stack, variables, publishers[broker])

    with Programs(start) as programs:
        yield programs


@pytest.fixture(params=WORKERS)
def pool(request: pytest.FixtureRequest) -> str:
    """The column of a row of the group Celery: `@row("Celery", ..., column="pool")` and `workers[pool]`."""
    return str(request.param)
