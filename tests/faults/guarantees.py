"""What is promised: each test of this suite is a row of the table in docs/explanation/delivery.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import pytest

Section = Literal[
    "ledger",
    "latency",
    "exit",
    "life",
    "poison",
    "stdout",
    "cardinality",
    "multiprocess",
    "long run",
    "privacy",
    "guards",
    "canary",
    "broken",
]
Test = TypeVar("Test", bound=Callable[..., Any])

SECTIONS: dict[Section, str] = {
    "ledger": "Every record is accounted for",
    "latency": "No request waits",
    "exit": "The end comes soon",
    "life": "Work done is work told, however a process lives and ends",
    "poison": "Values that no encoder takes",
    "stdout": "Nobody reads stdout",
    "cardinality": "Nobody from outside makes series",
    "multiprocess": "Metrics of many processes",
    "long run": "For a long time",
    "privacy": "Nothing secret and nobody's name leaves",
    "guards": "What strangers get to see",
    "canary": "The canary",
    "broken": "Broken on purpose",
}
"""Titles of the page's sections, in their order."""


def guarantee(section: Section, sentence: str, *, column: str = "mode") -> Callable[[Test], Test]:
    """Makes a test a row: `sentence` is what is promised, in words of the page.

    The parameter `column` (a string; what the receiver does, unless said otherwise) chooses the cell. Other
    parameters make rows of their own: the sentence names those that tell them apart (`{program} exits ...`),
    or all are added to it. A measured figure goes to the cell by `record_property("measured", "2.1 s")`.
    """
    return pytest.mark.guarantee(section, sentence, column)
