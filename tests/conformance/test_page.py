"""The page says what the table holds, and the table notices what breaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.table import GROUPS, NOT_APPLICABLE, Cell, page
from tests.tables import ROOT, run

PAGE = ROOT / "docs/reference/conformance.md"

BROKEN = {
    "the answer's header is forgotten": ("test_answers.py", "404", "also"),
    "the ID is never reset": ("test_celery_calls.py", "apply_async and solo and Redis", "clean"),
    "tasks do not look for their ID": ("test_celery_calls.py", "apply_async and solo and Redis", "line"),
}
"""By what project/breakage.py can break: a row that must notice, and the aspect in which it does."""


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Every cell there is, without running any."""
    target = tmp_path_factory.mktemp("conformance") / "cells.json"
    return [Cell(**cell) for cell in run(target, "--conformance", "tests/conformance", "--collect-only")]


def rows_of(text: str) -> list[str]:
    """The table rows of a page, each with its number of cells that hold."""
    rows = re.findall(r"^\| (?!---)(.+?) \|(.*)\|$", text, re.MULTILINE)
    counted = ((name, len(re.findall(r"\byes\b", cells))) for name, cells in rows if name.strip())
    return sorted(f"{name}: {number}" for name, number in counted)


def test_the_page_has_every_row_and_each_passed_in_every_column(collected: list[Cell]) -> None:
    passed = [Cell(cell.group, cell.row, cell.column) for cell in collected]
    assert rows_of(PAGE.read_text()) == rows_of(page(passed, 0)), "run `make conformance`"


def test_every_group_has_rows_and_every_exception_is_a_row(collected: list[Cell]) -> None:
    assert {cell.group for cell in collected} == set(GROUPS)
    assert NOT_APPLICABLE.keys() <= {cell.row for cell in collected}


def test_no_row_is_there_twice(collected: list[Cell]) -> None:
    names = [(cell.group, cell.row, cell.column) for cell in collected]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_on_purpose_is_noticed(what: str, tmp_path: Path) -> None:
    file, rows, aspect = BROKEN[what]
    target = tmp_path / "cells.json"
    cells = run(target, "--conformance", f"tests/conformance/{file}", "-k", rows, CONFORMANCE_BREAK=what)
    assert cells
    assert {(cell["outcome"], cell["aspects"].get(aspect)) for cell in cells} == {("failed", False)}
    assert aspect in page([Cell(**cell) for cell in cells], 0).split("**no**")[1]
