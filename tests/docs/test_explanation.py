"""The numbers and names that the pages of explanation give are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from dashboards import logql
from django_observe import collectors, correlation, metricset, options, vocabulary
from tests.docs.blocks import ROOT

FOLDER = ROOT / "docs/explanation"


def page(name: str) -> str:
    """Its text, on one line."""
    return " ".join((FOLDER / f"{name}.md").read_text().split())


def series(labels: Iterable[str], statuses: int) -> int:
    return statuses if vocabulary.Label.STATUS in labels else 1


def test_what_a_view_costs() -> None:
    of_views = [family for family in metricset.ALL_FAMILIES if {"view", "method"} <= set(family.labels)]
    parts = [
        series(family.labels, 3) * (len(family.buckets or ()) + 3 if family.kind == "histogram" else 1)
        for family in of_views
    ]
    assert sorted(parts) == [1, 3, 19]
    assert f"has {sum(parts)} series: 19 of its latency (16 buckets" in page("cardinality")
    assert f"100 such views has {100 * sum(parts):,}" in page("cardinality")


def test_the_fuse() -> None:
    assert f"stops at {collectors.MAX_LABEL_SETS:,} label sets" in page("cardinality")
    assert f"longer than {collectors.MAX_LABEL_LENGTH} characters is cut" in page("cardinality")
    assert len(logql.INDEX_LABELS) == 3


def test_every_label_has_a_source() -> None:
    rows = re.findall(r"^\| (?:the|a|what) [^|]+\|([^|]+)\|", _cardinality(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {label for family in metricset.ALL_FAMILIES for label in family.labels} == told


def _cardinality() -> str:
    return (FOLDER / "cardinality.md").read_text()


@pytest.mark.parametrize("identifier", ["a" * 8, "a" * 128, "A-Z.a_z-0"])
def test_what_an_id_looks_like(identifier: str) -> None:
    assert "8 to 128 of the characters `A-Z a-z 0-9 . _ -`" in page("why-one-id")
    assert correlation.accepted(identifier) == identifier
    assert correlation.accepted(identifier[:7]) is None
    assert correlation.accepted(identifier + "a" * 128) is None
    assert f"the first {correlation.MAX_LOOKED_AT} bytes" in page("why-one-id")


def test_who_is_told() -> None:
    [row] = re.findall(r"`PROPAGATE_TO` \|[^|]*\|([^|]*)\|", (FOLDER / "trust.md").read_text())
    patterns = [name for name in options.Settings().propagate_to if name.startswith("*")]
    assert re.findall(r"`(\*[^`]+)`", row) == patterns
