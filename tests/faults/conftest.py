"""The suite's marks; `pytest tests/faults --delivery FILE` writes its page (.md) or its cells (.json)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.page import ANY, Cell, page
from tests.tables import gather, parameters, tell


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--delivery", metavar="FILE", help="write the page (.md) or its cells (.json) there")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "guarantee(section, sentence, column): a row of the page on delivery")
    gather(config, "--delivery", Cell, cell_of, page)


def cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is, not yet run, or None where it is none of the page."""
    mark = item.get_closest_marker("guarantee")
    if mark is None:
        return None
    section, sentence, column = mark.args
    given = parameters(item)
    place = item.session.items.index(item)
    return Cell(section, _row(sentence, column, given), str(given.get(column, ANY)), place=place)


def _row(sentence: str, column: str, given: Mapping[str, Any]) -> str:
    """The sentence with the test's parameters in it, or after it where it names none."""
    more = {name: value for name, value in given.items() if name != column}
    if "{" in sentence or not more:
        return sentence.format(**more)
    return f"{sentence}: {', '.join(map(str, more.values()))}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The report tells the cell, however the test ended, and if it never began."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]
    cell = cell_of(item)
    if cell is not None and (report.when == "call" or report.outcome != "passed"):
        measured = str(dict(item.user_properties).get("measured", ""))
        tell(report, replace(cell, outcome=report.outcome, measured=measured))
