"""The map above the waterfall: bounded, by level of the tree, with nothing that failed left out."""

from __future__ import annotations

from django_observe.console import span_tree
from django_observe.console.overview import overview
from django_observe.console.scale import Bar, Scale
from tests.console.rows import span


def test_each_level_has_a_strip_and_failures_are_painted_last() -> None:
    spans = [
        span("root", length=100),
        span("failed", "root", 10, 20, status=2),
        span("leaf", "failed", 10, 5, service="b"),
    ]
    drawn = overview(span_tree.grow(spans), Scale(spans, []), {"b": 3})
    assert drawn.levels == 3
    assert [(mark.level, mark.hue, mark.error) for mark in drawn.marks] == [
        (0, 0, False),
        (2, 3, False),
        (1, 0, True),
    ]
    assert drawn.marks[-1].bar == Bar(10, 20)


def test_of_very_many_spans_the_longest_and_the_failed_ones_are_shown() -> None:
    spans = [span("root", length=10_000)]
    spans += [span(f"s{number}", "root", number, 1 + number / 1_000) for number in range(2_000)]
    spans += [span(f"d{depth}", f"d{depth - 1}" if depth else "root", 0, 0.1) for depth in range(20)]
    spans.append(span("failed", "d19", 0, 0.1, status=2))
    drawn = overview(span_tree.grow(spans), Scale(spans, []), {})
    assert len(drawn.marks) == 400
    assert drawn.levels == 8
    assert [mark.error for mark in drawn.marks].count(True) == 1
    assert min(mark.bar.x for mark in drawn.marks[1:-1]) > 15, "the shorter ones came earlier"
