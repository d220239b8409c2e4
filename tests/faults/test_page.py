"""The page tells the guarantees that the tests hold, each passed."""

from __future__ import annotations

import re

import pytest

from tests.benchmarks.latency import AGAIN
from tests.faults.guarantees import SECTIONS
from tests.faults.page import PAGE, Cell, block_of, page, with_block
from tests.faults.receivers import MODES
from tests.faults.test_broken import SEEN_BY
from tests.tables import run


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Every cell there is, without running any."""
    target = tmp_path_factory.mktemp("delivery") / "cells.json"
    return [Cell(**cell) for cell in run(target, "--delivery", "tests/faults", "--collect-only")]


def rows_of(text: str) -> list[str]:
    """The table rows of the page's blocks, each with its number of cells that hold."""
    blocks = "\n".join(block_of(text, name) for name in ("guarantees", "canary", "broken"))
    rows = re.findall(r"^\| (?!---)(.+?) \|(.*) \|$", blocks, re.MULTILINE)
    counted = ((name, [cell.strip() for cell in re.split(r"(?<!\\)\|", cells)]) for name, cells in rows)
    return sorted(
        f"{name}: {sum(cell != '' and not cell.startswith('**no**') for cell in cells)}"
        for name, cells in counted
        if name.strip()
    )


def test_the_page_has_every_guarantee_and_each_held(collected: list[Cell]) -> None:
    passed = [Cell(cell.group, cell.row, cell.column) for cell in collected]
    assert rows_of(PAGE.read_text()) == rows_of(page(passed, 0)), "run `make delivery`"


def test_the_latency_of_every_mode_is_measured_and_no_request_waits() -> None:
    """Where the noise is too large for a verdict the row says so; "no" is a mode that slows requests."""
    rows = re.findall(
        r"^\| (\w[^|]*) \|.*\| ([^|]+) \|$", block_of(PAGE.read_text(), "latency"), re.MULTILINE
    )
    assert [mode for mode, _ in rows] == [*MODES[1:], AGAIN], "run `make latency`"
    assert {verdict for _, verdict in rows} <= {"yes", "too noisy to say"}


def test_every_section_has_guarantees_and_every_guarantee_a_section(collected: list[Cell]) -> None:
    assert {cell.group for cell in collected} == set(SECTIONS)


def test_no_cell_is_there_twice(collected: list[Cell]) -> None:
    cells = [(cell.group, cell.row, cell.column) for cell in collected]
    assert sorted(cells) == sorted(set(cells))


def test_every_breakage_is_a_row(collected: list[Cell]) -> None:
    assert [(cell.row, cell.column) for cell in collected if cell.group == "broken"] == SEEN_BY


def test_a_failure_shows() -> None:
    cells = [Cell("exit", "soon", "hang", "failed"), Cell("exit", "soon", "ok", measured="2 s")]
    assert "| soon | 2 s | **no**: failed |" in page(cells, 0)


def test_a_block_takes_the_place_of_the_last_one() -> None:
    text = "before\n<!-- one: by hand -->\nold\n<!-- end of one -->\nafter"
    assert block_of(with_block(text, "one", "new"), "one") == "new"
    with pytest.raises(ValueError, match="no place for 'two'"):
        with_block(text, "two", "new")
