"""What is told of exceptions that Python's own formatting has no bound for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import repeat

import pytest

from django_observe.failuretext import failure_of


class Endless(list[str]):
    """Notes without end."""

    def __iter__(self) -> Iterator[str]:
        return repeat("a note")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes since Python 3.11")
def test_notes_without_end_are_told_in_part() -> None:
    error = ValueError("no such order")
    error.__notes__ = Endless()  # type: ignore[attr-defined]
    stack = failure_of(error).stack
    assert stack.startswith("ValueError: no such order\na note\n")
    assert len(stack) < 100_000
