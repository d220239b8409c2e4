"""Every row: our spans are upstream's, attribute by attribute, but for the listed deviations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential import page, runs
from tests.differential.deviations import DEVIATIONS, Deviation, expected
from tests.differential.rows import Row
from tests.differential.runs import Found
from tests.differential.table import ROWS

LAYERS = ("span", "wire")


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    folder: Path = tmp_path_factory.mktemp("differential")
    return runs.of_both(folder)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_ours_are_upstreams_but_for_the_deviations(row: Row, layer: str, found: dict[str, Found]) -> None:
    ours, upstream = found[layer][str(row)], found["upstream"][str(row)]
    assert ours == expected(str(row), upstream, layer)
    assert bool(ours or upstream) is not row.silent


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=str)
def test_a_listed_deviation_is_one(deviation: Deviation, found: dict[str, Found]) -> None:
    """What upstream no longer does differently must leave the list."""
    layer = "wire" if deviation.at_the_wire else "span"
    assert any(
        expected(row, upstream, layer, without=deviation) != found[layer][row]
        for row, upstream in found["upstream"].items()
    )


def test_the_table_has_rows_of_every_kind() -> None:
    names = [str(row) for row in ROWS]
    assert len(set(names)) == len(names) >= 60
    for section in ("server", "client", "database", "celery", "options"):
        assert sum(row.section == section for row in ROWS) >= 8


def test_the_page_lists_the_deviations() -> None:
    assert page.current() == page.PAGE.read_text(), "run `make docs`"
