"""Self time, and time that no span accounts for."""

from __future__ import annotations

from django_observe.console import span_tree, waterfall
from django_observe.console.gaps import gaps, self_ns, uncovered
from tests.console.rows import CLIENT, MS, SERVER, span

SPANS = [
    span("root", start=100, length=100),
    span("a", "root", 110, 20),
    span("b", "root", 120, 20),
    span("c", "root", 160, 30),
    span("after", "root", 250, 10),
]


def test_overlapping_children_are_counted_once() -> None:
    root = span_tree.grow(SPANS).nodes[0]
    assert uncovered(root) == [(100 * MS, 110 * MS), (140 * MS, 160 * MS), (190 * MS, 200 * MS)]
    assert self_ns(root) == 40 * MS


def test_children_outside_of_their_parent_take_nothing_away() -> None:
    spans = [span("root", start=100, length=10), span("early", "root", 50, 20), span("late", "root", 150)]
    assert self_ns(span_tree.grow(spans).nodes[0]) == 10 * MS
    wide = [span("root", start=100, length=10), span("wide", "root", 50, 200)]
    assert self_ns(span_tree.grow(wide).nodes[0]) == 0


def test_only_gaps_of_more_than_a_tenth_have_a_line() -> None:
    root = span_tree.grow(SPANS).nodes[0]
    assert gaps(root, 160 * MS) == [(140 * MS, 160 * MS)]
    assert gaps(root, 10_000 * MS) == [], "nothing beside the whole trace"
    assert gaps(span_tree.grow([span("leaf")]).nodes[0], 10 * MS) == [], "a leaf is one gap: its bar says it"


def test_a_gap_lies_among_the_children_and_tells_its_length() -> None:
    lines = waterfall.build(SPANS[:-1], [], {}).lines
    assert [(line.kind, line.measure) for line in lines] == [
        ("span", "100 ms"),
        ("span", "20.0 ms"),
        ("span", "20.0 ms"),
        ("gap", "20.0 ms"),
        ("span", "30.0 ms"),
    ]
    assert lines[3].text == "uninstrumented"


def test_the_time_before_a_server_answers_is_the_way_to_it() -> None:
    spans = [span("GET", length=100, kind=CLIENT), span("served", "GET", 40, 55, kind=SERVER)]
    assert waterfall.build(spans, [], {}).lines[1].text == "in transit or waiting"
