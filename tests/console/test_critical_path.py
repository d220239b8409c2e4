"""The critical path: what the end of the trace waited for, and who had the time."""

from __future__ import annotations

from itertools import pairwise

from django_observe.console import critical_path, span_tree
from django_observe.console.time_shares import Share, shares
from tests.console.rows import CLIENT, CONSUMER, MS, PRODUCER, span


def path_of(
    spans: list[dict[str, object]],
) -> tuple[dict[str, list[tuple[int, int]]], dict[str, tuple[int, int]]]:
    """(own, waits) by name of the span, in milliseconds."""
    found = critical_path.find(span_tree.grow(spans))
    own = {
        node.record["name"]: sorted((start // MS, end // MS) for start, end in stretches)
        for node, stretches in found.own.items()
        if node.record
    }
    waits = {
        node.record["name"]: (at[0] // MS, at[1] // MS) for node, at in found.waits.items() if node.record
    }
    return own, waits


def test_one_after_another_all_are_on_the_path() -> None:
    spans = [span("root", length=100), span("a", "root", 10, 20), span("b", "root", 50, 40)]
    assert path_of(spans) == ({"root": [(0, 10), (30, 50), (90, 100)], "a": [(10, 30)], "b": [(50, 90)]}, {})


def test_what_ran_beside_the_last_to_end_is_not_on_the_path() -> None:
    spans = [span("root", length=100), span("long", "root", 10, 80), span("short", "root", 20, 30)]
    own, _ = path_of(spans)
    assert own == {"root": [(0, 10), (90, 100)], "long": [(10, 90)]}


def test_of_overlapping_ones_each_has_the_part_in_which_it_was_the_last() -> None:
    spans = [span("root", length=100), span("first", "root", 0, 60), span("second", "root", 40, 60)]
    assert path_of(spans)[0] == {"first": [(0, 40)], "second": [(40, 100)]}


def test_the_path_crosses_the_queue_and_leaves_the_answer_aside() -> None:
    spans = [
        span("root", length=50),
        span("publish", "root", 30, 10, kind=PRODUCER),
        span("run", "publish", 100, 40, kind=CONSUMER),
    ]
    own, waits = path_of(spans)
    assert own == {"root": [(0, 30)], "publish": [(30, 40)], "run": [(100, 140)]}
    assert waits == {"run": (40, 100)}


def test_it_covers_the_whole_trace_once() -> None:
    spans = [span("root", length=1000)]
    spans += [
        span(f"s{number}", f"s{number // 3}" if number > 2 else "root", number * 7 % 900, 40)
        for number in range(80)
    ]
    own, waits = path_of(spans)
    stretches = sorted([*(one for many in own.values() for one in many), *waits.values()])
    assert all(one[1] <= other[0] for one, other in pairwise(stretches))
    assert sum(end - start for start, end in stretches) == 1000


def test_a_chain_of_ten_thousand_spans_and_two_roots_are_walked() -> None:
    chain = [span(str(depth), str(depth - 1) if depth else "", depth, 10_000) for depth in range(10_000)]
    assert len(path_of(chain)[0]) == 10_000
    assert path_of([span("one", length=10), span("two", start=20, length=10)])[0] == {
        "one": [(0, 10)],
        "two": [(20, 30)],
    }


def test_the_shares_say_who_had_the_time() -> None:
    spans = [
        span("root", length=50, service="orders"),
        span("SELECT", "root", 5, 10, service="orders", kind=CLIENT, attrs={"db.system": "postgresql"}),
        span("publish", "root", 30, 10, service="orders", kind=PRODUCER),
        span("run", "publish", 100, 40, service="mail", kind=CONSUMER),
    ]
    assert shares(critical_path.find(span_tree.grow(spans))) == [
        Share("queue", "mail", "", 60 * MS),
        Share("code", "mail", "", 40 * MS),
        Share("code", "orders", "", 20 * MS),
        Share("call", "orders", "postgresql", 10 * MS),
        Share("publish", "orders", "publish", 10 * MS),
    ]


def test_many_small_shares_are_added_up() -> None:
    spans = [span(f"s{number}", start=number * 10, service=f"service-{number}") for number in range(12)]
    found = shares(critical_path.find(span_tree.grow(spans)))
    assert [share.kind for share in found] == ["code"] * 6 + ["rest"]
    assert found[-1].ns == 60 * MS
