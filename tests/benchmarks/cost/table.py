"""What was counted, told: per request, added over bare, and as a share of what the hand assembly adds."""

from __future__ import annotations

from collections.abc import Mapping

from tests.benchmarks.cost.configurations import CONFIGURATIONS
from tests.tables import grid

Counts = Mapping[str, Mapping[str, float]]
"""Instructions per request by configuration and view."""


def added(counts: Counts, name: str, view: str) -> float:
    """Instructions per request over bare."""
    return counts[name][view] - counts["bare"][view]


def ratio(counts: Counts, name: str, view: str) -> float:
    """That as a share of what the hand assembly adds, which samples as much."""
    peer = "hand-tenth" if CONFIGURATIONS[name].tenth and "hand-tenth" in counts else "hand"
    return added(counts, name, view) / added(counts, peer, view)


def table(counts: Counts) -> str:
    """In Markdown, thousands of instructions; a column for each view."""
    views = list(dict.fromkeys(view for each in counts.values() for view in each))
    rows = []
    for name, each in counts.items():
        rows.append(
            [
                CONFIGURATIONS[name].shown,
                *(_cell(counts, name, view) if view in each else "" for view in views),
            ]
        )
    return grid(["", *views], rows)


def _cell(counts: Counts, name: str, view: str) -> str:
    own = f"{counts[name][view] / 1_000:.0f}"
    if name == "bare" or view not in counts.get("bare", {}):
        return own
    told = f"{own}, +{added(counts, name, view) / 1_000:.0f}"
    compared = "hand" in counts and view in counts["hand"] and CONFIGURATIONS[name].assembly == "ours"
    return f"{told}, **{ratio(counts, name, view):.2f}**" if compared else told
