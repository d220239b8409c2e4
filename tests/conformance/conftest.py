"""The table's fixtures, and the option that writes it: `pytest tests/conformance --conformance FILE`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
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
from tests.tables import gather, parameters, tell  # noqa: E402

_ROW = pytest.StashKey[Row]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", metavar="FILE", help="write the table (.md) or its cells (.json) there")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(group, name, column, without): a row of the conformance table")
    gather(config, "--conformance", Cell, cell_of, page)


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is, not yet run, or None where it is none of the table."""
    mark = item.get_closest_marker("row")
    if mark is None:
        return None
    group, name, column, without = mark.args
    given = parameters(item)
    place = item.session.items.index(item)
    return Cell(group, name.format(**given), given.get(column, ""), without=without, place=place)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A row's verdict is part of its test."""
    outcome = yield
    row, mark = item.stash.get(_ROW, None), item.get_closest_marker("row")
    if row is not None and mark is not None and outcome.excinfo is None:  # type: ignore[attr-defined]
        try:
            row.verdict(mark.args[-1])
        except AssertionError as fault:
            outcome.force_exception(fault)  # type: ignore[attr-defined]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The report tells the cell, however the test ended, and if it never began."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
    cell, row = cell_of(item), item.stash.get(_ROW, None)
    if cell is not None and (report.when == "call" or report.outcome != "passed"):
        aspects: dict[str, bool] = {}
        if row is not None:
            aspects.update((name, not fault) for name, fault in row.aspects.items())
        tell(report, replace(cell, aspects=aspects, outcome=report.outcome))


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture(scope="package")
def spans(collector: Collector) -> Spans:
    return Spans(collector)


@pytest.fixture
def row(request: pytest.FixtureRequest, spans: Spans) -> Row:
    """The row that a test is."""
    made = Row(spans)
    request.node.stash[_ROW] = made
    return made


@pytest.fixture(scope="package")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database, which the web servers share: what CONFORMANCE_DATABASE is to name."""
    path = str(tmp_path_factory.mktemp("conformance") / "database.sqlite3")
    variables = {"DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings", "CONFORMANCE_DATABASE": path}
    argv = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(argv, cwd=ROOT, env={**os.environ, **variables}, check=True, timeout=60)
    return path


@pytest.fixture(scope="package")
def servers(collector: Collector, database: str) -> Iterator[Servers]:
    """Web servers by name; see `services.SERVERS`."""
    variables = environment(collector, CONFORMANCE_DATABASE=database)
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(scope="package")
def redis_url() -> Iterator[str]:
    with redis() as url:
        yield url


@pytest.fixture(scope="module")
def brokers(redis_url: str) -> Iterator[Programs[str]]:
    """URLs of brokers by name; results are kept in Redis whichever broker it is."""

    def start(name: str, stack: ExitStack) -> str:
        return redis_url if name == "Redis" else stack.enter_context(rabbitmq())

    with Programs(start) as programs:
        yield programs


@pytest.fixture(scope="module")
def publishers(collector: Collector, brokers: Programs[str], redis_url: str) -> Iterator[Servers]:
    """A web server for each broker."""

    def start(name: str, stack: ExitStack) -> Any:
        variables = environment(collector, BROKER_URL=brokers[name], RESULT_URL=redis_url)
        return start_server("gunicorn gthread", stack, variables)

    with Programs(start) as programs:
        yield programs


@pytest.fixture(scope="module")
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
