"""The faults that tests plant, and what the doctor says of each: the table of docs/how-to/doctor.md.

`…` stands for what differs from one place to another: an address, a number.
`python -m tests.doctor.faulttable` writes that table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from django_observe.doctor.finding import BROKEN, Finding

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "how-to" / "doctor.md"
START, END = "<!-- planted faults -->", "<!-- end of planted faults -->"


@dataclass(frozen=True)
class Planted:
    """A fault, the hop that finds it, and what that says."""

    fault: str
    hop: str
    cause: str
    change: str


PLANTED: dict[str, Planted] = {}


def plant(fault: str, hop: str, cause: str, change: str) -> str:
    """Adds a row; its fault is the key under which a test asks for it."""
    PLANTED[fault] = Planted(fault, hop, cause, change)
    return fault


def assert_found(findings: Iterable[Finding], fault: str) -> None:
    """That one of `findings` is what the table says of `fault`, and that none other is broken."""
    row = PLANTED[fault]
    broken = [finding for finding in findings if finding.state == BROKEN]
    assert [finding.hop for finding in broken] == [row.hop], broken
    assert _is(row.cause, broken[0].cause), broken[0].cause
    assert _is(row.change, broken[0].change), broken[0].change
    assert "\n" not in broken[0].says


def _is(told: str, text: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, told.split("…"))), text, re.DOTALL) is not None


def rendered() -> str:
    """The rows as the page has them, by hop."""
    lines = ["| Planted | Hop | Cause that is told | Line to change |", "| --- | --- | --- | --- |"]
    rows = sorted(PLANTED.values(), key=lambda row: (row.hop.lower(), row.fault.lower()))
    lines += [f"| {row.fault} | {row.hop} | {_cell(row.cause)} | `{_cell(row.change)}` |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ⏎ ")


def collected() -> str:
    """The table of the faults that all tests here plant: importing a test module adds its own."""
    for path in sorted(HERE.glob("test_*.py")):
        import_module(f"tests.doctor.{path.stem}")
    return rendered()


def page_with(table: str) -> str:
    """The page with this table in the place of its own."""
    before, _, rest = PAGE.read_text().partition(START)
    return f"{before}{START}\n{table}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    from tests.doctor import faulttable  # the module that the tests know, which this one is not

    PAGE.write_text(page_with(faulttable.collected()))
