"""All deviations, and what they make of upstream's spans.

A test proves each to be needed: without it, ours and upstream's would differ in some row.
"""

from __future__ import annotations

from copy import deepcopy

from tests.differential import requestdeviations, wiredeviations, workdeviations
from tests.differential.deviation import DEVIATIONS, Deviation
from tests.differential.spans import Seen

__all__ = ["DEVIATIONS", "Deviation", "expected"]

_SOURCES = (requestdeviations, workdeviations, wiredeviations)
"""The modules that list them."""


def expected(row: str, upstream: list[Seen], layer: str, without: Deviation | None = None) -> list[Seen]:
    """What ours are to be in that layer: `wire`, or `span` as a processor in the process sees them."""
    spans = deepcopy(upstream)
    for each in sorted(DEVIATIONS, key=lambda each: each.at_the_wire):
        if each is not without and (layer == "wire" or not each.at_the_wire):
            each.change(row, spans)
    return spans
