"""The table itself: what a run found, as the page docs/reference/conformance.md."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

PEERS = Path(__file__).with_name("peers.json")
"""The cells of the last run with the hand assembly, by `make conformance-peers`."""

GROUPS = {
    "in": "What comes in",
    "answers": "Every kind of answer",
    "Django": "Through Django",
    "out": "Outbound HTTP",
    "Celery": "Celery, on every pool and both brokers",
    "concurrency": "Threads, tasks and processes",
    "elsewhere": "Elsewhere",
}

NOT_APPLICABLE: dict[str, str] = {}
"""Rows that not every column has, with the reason."""

_PACKAGES = ("django", "celery", "opentelemetry-sdk", "gunicorn", "uvicorn")


@dataclass(frozen=True)
class Cell:
    """One row in one column, as it came out."""

    group: str
    row: str
    column: str
    aspects: dict[str, bool] = field(default_factory=dict)
    outcome: str = "passed"

    @property
    def text(self) -> str:
        """How it came out: the aspects that failed, where any did."""
        if self.outcome == "passed":
            return "yes"
        missing = [name for name, held in self.aspects.items() if not held]
        return f"**no**: {', '.join(missing) or self.outcome}"


def page(cells: list[Cell], seconds: float) -> str:
    """The page in Markdown."""
    peers = _peers()
    parts = [_head(cells, seconds)]
    for group, title in GROUPS.items():
        own = [cell for cell in cells if cell.group == group]
        if own:
            parts.append(f"## {title}\n\n{_table(own, [cell for cell in peers if cell.group == group])}")
    if NOT_APPLICABLE:
        parts.append("\n".join(f"- {row}: {why}" for row, why in NOT_APPLICABLE.items()))
    return "\n\n".join(parts) + "\n"


def _head(cells: list[Cell], seconds: float) -> str:
    passed = sum(cell.outcome == "passed" for cell in cells)
    rows = len({(cell.group, cell.row) for cell in cells})
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        "# Conformance\n\n<!-- Written by `make conformance` from a run; do not edit. -->\n\n"
        f"{rows} rows, {len(cells)} cells, {passed} passed, in {seconds:.0f} s on Python "
        f"{platform.python_version()} with {versions}."
    )


def _table(cells: list[Cell], peers: list[Cell]) -> str:
    columns = list(dict.fromkeys(cell.column for cell in cells))
    heads = ["", *(column or "here" for column in columns), "by hand"]
    found = {(cell.row, cell.column): cell.text for cell in cells}
    lines = [heads, ["---"] * len(heads)]
    for row in dict.fromkeys(cell.row for cell in cells):
        own = [found.get((row, column), "-") for column in columns]
        lines.append([row, *own, _together([cell for cell in peers if cell.row == row])])
    return "\n".join("| " + " | ".join(each.replace("|", "\\|") for each in line) + " |" for line in lines)


def _together(cells: list[Cell]) -> str:
    """The peers' cells of a row as one: what is missing in any column."""
    if not cells:
        return ""
    missing = {name for cell in cells for name, held in cell.aspects.items() if not held}
    if all(cell.outcome == "passed" for cell in cells):
        return "yes"
    return f"no: {', '.join(sorted(missing)) or 'nothing arrives'}"


def _peers() -> list[Cell]:
    return [Cell(**cell) for cell in json.loads(PEERS.read_text())] if PEERS.exists() else []
