"""Repeated siblings fold into one line; nothing that failed is hidden."""

from __future__ import annotations

from django_observe.console import outline, span_tree, waterfall
from tests.console.rows import CLIENT, log, query, span


def shown(spans: list[dict[str, object]], **options: frozenset[str]) -> list[tuple[str, str, int]]:
    tree = span_tree.grow(spans)
    entries = outline.entries(tree, outline.Options(**options))  # type: ignore[arg-type]
    return [
        (entry.kind, entry.node.record["name"], len(entry.fold.members) if entry.fold else 1)
        for entry in entries
        if entry.node and entry.node.record and entry.kind != "gap"
    ]


def test_queries_that_differ_only_in_values_are_one_line() -> None:
    spans = [span("root", length=200), *(query(number, "root", number * 5) for number in range(37))]
    assert shown(spans) == [("span", "root", 1), ("fold", "SELECT orders", 37)]
    (_, line) = waterfall.build(spans, [], {}).lines[:2]
    assert (line.text, line.count, line.measure) == ("SELECT orders", 37, "37.0 ms")
    assert len(line.comb) == 37


def test_an_opened_fold_keeps_its_line_above_its_members() -> None:
    spans = [span("root", length=200), *(query(number, "root", number * 5) for number in range(3))]
    opened = shown(spans, opened=frozenset({b"q0".hex()}))
    assert opened == [("span", "root", 1), ("fold", "SELECT orders", 3), *[("span", "SELECT orders", 1)] * 3]


def test_a_loop_of_two_queries_makes_two_folds() -> None:
    other = {"db.system": "postgresql", "db.query.text": "SELECT * FROM customers WHERE id = 1"}
    spans = [span("root", length=200)]
    for number in range(4):
        spans.append(query(number, "root", number * 10))
        spans.append(
            span("SELECT customers", "root", number * 10 + 5, 2, id=f"c{number}", kind=CLIENT, attrs=other)
        )
    assert shown(spans)[1:] == [("fold", "SELECT orders", 4), ("fold", "SELECT customers", 4)]


def test_what_failed_or_is_rare_stays_a_line_of_its_own() -> None:
    spans = [span("root", length=200), *(query(number, "root", number * 5) for number in range(3))]
    spans.append(query(9, "root", 50, status=2))
    assert shown(spans)[1:] == [("fold", "SELECT orders", 3), ("span", "SELECT orders", 1)]
    assert shown(spans[:3])[1:] == [("span", "SELECT orders", 1)] * 2


def test_calls_with_spans_below_them_fold_when_there_are_ten() -> None:
    spans = [span("root", length=500)]
    for number in range(10):
        attrs = {"url.full": f"http://users/api/users/{number}/"}
        spans.append(span("GET", "root", number * 20, 15, id=f"call{number}", kind=CLIENT, attrs=attrs))
        spans.append(span("GET users", f"call{number}", number * 20 + 5, 5, id=f"served{number}"))
    assert shown(spans)[1:] == [("fold", "GET", 10)]
    assert [kind for kind, *_ in shown(spans[:-2])].count("span") == 19


def test_a_query_with_a_log_line_is_not_hidden() -> None:
    spans = [span("root", length=200), *(query(number, "root", number * 5) for number in range(4))]
    lines = waterfall.build(spans, [log("slow query", "q2", 11)], {}).lines
    kinds = [line.kind for line in lines if line.kind != "gap"]
    assert kinds == ["span", "fold", "span", "log"]
