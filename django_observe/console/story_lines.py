"""The log lines under a story: which are asked for, where in the picture, after how long a silence."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from django_observe.console.broken_axis import BrokenAxis
from django_observe.console.severity import minimum
from django_observe.console.step import Step

LINES: Final = 300
_DIGITS: Final = 9


@dataclass(frozen=True)
class LineFilter:
    """What the page narrows its log lines to; `first` is the number of the first one shown."""

    service: str = ""
    severity: int = 0
    first: int = 0

    def of(self, logs: Sequence[sqlite3.Row]) -> list[sqlite3.Row]:
        """Those lines, whichever page is open."""
        return [
            log
            for log in logs
            if self.service in ("", log["service"]) and (not self.severity or log["sev"] >= self.severity)
        ]


def line_filter(parameters: QueryDict) -> LineFilter:
    """Of `level`, `service` and `from_line`. Raises ValueError that says which levels there are."""
    level, first = parameters.get("level", ""), parameters.get("from_line", "")
    is_number = first.isascii() and first.isdigit() and len(first) <= _DIGITS
    return LineFilter(
        parameters.get("service", ""), minimum(level) if level else 0, int(first) if is_number else 0
    )


def place(
    entries: Sequence[dict[str, Any]],
    shown: Sequence[sqlite3.Row],
    steps: Sequence[Step],
    axis: BrokenAxis,
) -> None:
    """Tells the entries of a list of lines where in the picture they are, and of which step."""
    steps_of = {line: step.id for step in steps for line in step.lines}
    silences = [(one.end_ns, one.text) for one in axis.stretches if one.left_out]
    before = 0
    for entry, log in zip(entries, shown, strict=True):
        entry["x"] = axis.at(log["ts"])
        entry["at"] = steps_of.get(log["id"], "")
        entry["offset"] = log["ts"] - axis.zero_ns
        entry["silence"] = [text for end, text in silences if before and before < end <= log["ts"]]
        before = log["ts"]
