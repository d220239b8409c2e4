"""The page docs/explanation/delivery.md: its prose is written there, its tables are those of a run."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from tests import tables
from tests.faults.guarantees import SECTIONS
from tests.faults.receivers import MODES

PAGE = tables.ROOT / "docs/explanation/delivery.md"

ANY = "any"
"""The column of tests that have none: what the receiver does is not what they are about."""

_PACKAGES = ("django", "celery", "opentelemetry-sdk", "gunicorn", "uvicorn")
_APART = {"canary", "broken"}
"""Sections that the page has places of their own for."""


@dataclass(frozen=True)
class Cell(tables.Cell):
    """One guarantee, with the receiver in one mode."""

    measured: str = ""

    @property
    def text(self) -> str:
        """What was measured, or that it holds, or how it failed."""
        return self.measured or "yes" if self.outcome == "passed" else f"**no**: {self.outcome}"


def page(cells: list[Cell], seconds: float) -> str:
    """The page as it is, with the tables of this run in place of those of the last."""
    text = with_block(PAGE.read_text(), "guarantees", f"{_head(cells, seconds)}\n\n{_sections(cells)}")
    text = with_block(text, "canary", _tables([cell for cell in cells if cell.group == "canary"]))
    return with_block(text, "broken", _broken([cell for cell in cells if cell.group == "broken"]))


def with_block(text: str, name: str, block: str) -> str:
    """The text with what is between its marks `<!-- name: ... -->` and `<!-- end of name -->` replaced."""
    marks = re.compile(rf"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"the page has no place for {name!r}")
    return marks.sub(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", text)


def block_of(text: str, name: str) -> str:
    """What is between those marks."""
    found = re.search(rf"<!-- {name}: [^>]*-->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    return found[1].strip() if found else ""


def _head(cells: list[Cell], seconds: float) -> str:
    outcomes = Counter(cell.outcome for cell in cells)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{len({(cell.group, cell.row) for cell in cells})} guarantees, {len(cells)} cells: {told}, in "
        f"{seconds / 60:.1f} minutes\non Python {platform.python_version()} with {versions}."
    )


def _sections(cells: list[Cell]) -> str:
    parts = []
    for group, title in SECTIONS.items():
        own = [cell for cell in cells if cell.group == group]
        if own and group not in _APART:
            parts.append(f"### {title}\n\n{_tables(own)}")
    return "\n\n".join(parts)


def _tables(cells: list[Cell]) -> str:
    """Rows with columns first; those that have none stand in a list of their own."""
    if not cells:
        return "*Not run.*"
    wide = [cell for cell in cells if cell.column != ANY]
    rows = {cell.row for cell in wide}
    narrow = [cell for cell in cells if cell.row not in rows]
    found = [_table([cell for cell in cells if cell.row in rows])] if wide else []
    if narrow:
        found.append(tables.grid(["", "shown"], [[cell.row, cell.text] for cell in narrow]))
    return "\n\n".join(found)


def _table(cells: list[Cell]) -> str:
    columns = _ordered({cell.column: None for cell in cells})
    lines = []
    for row in dict.fromkeys(cell.row for cell in cells):
        own = {cell.column: cell.text for cell in cells if cell.row == row}
        lines.append([row, *(own.get(column, "") for column in columns)])
    return tables.grid(["", *columns], lines)


def _ordered(columns: Iterable[str]) -> list[str]:
    known = [*MODES, "html"]
    return sorted(columns, key=lambda column: known.index(column) if column in known else len(known))


def _broken(cells: list[Cell]) -> str:
    if not cells:
        return "*Not run.*"
    lines = [[cell.row, f"`{cell.column}`", cell.text] for cell in cells]
    return tables.grid(["what is broken", "the test that is to fail", "does it"], lines)
