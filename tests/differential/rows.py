"""A row of the table: work that both sides do, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A piece of work; `silent` where neither side is to have a span of it."""

    section: str
    name: str
    work: Callable[[], object]
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.section}: {self.name}"
