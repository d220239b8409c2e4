"""The forest of a trace: order, damage, links."""

from __future__ import annotations

import orjson

from django_observe.console import span_tree
from tests.console.rows import MS, TRACE, log, span


def names(nodes: list[span_tree.Node]) -> list[str]:
    return [node.record["name"] if node.record else "missing" for node in nodes]


def test_a_span_without_parent_hangs_under_what_it_links_to() -> None:
    link = [{"trace_id": TRACE.hex(), "span_id": b"publish".hex(), "attrs": {}}]
    linked = span("run", start=50, links=orjson.dumps(link).decode())
    tree = span_tree.grow([span("root", length=20), span("publish", "root", 5), linked])
    assert names(list(tree.nodes)) == ["root", "publish", "run"]
    assert [node.linked for node in tree.nodes] == [False, False, True]


def test_links_that_make_a_circle_lose_nothing() -> None:
    def to(name: str) -> str:
        link = {"trace_id": TRACE.hex(), "span_id": name.encode().hex(), "attrs": {}}
        return orjson.dumps([link]).decode()

    tree = span_tree.grow([span("a", start=1, links=to("b")), span("b", start=2, links=to("a"))])
    assert names(list(tree.nodes)) == ["a", "b"]
    assert len(tree.roots) == 1


def test_what_lies_below_is_summed_up() -> None:
    spans = [span("root", start=10, length=20), span("early", "root", 5, 10), span("late", "early", 20, 40)]
    root, early, late = span_tree.grow(spans).nodes
    assert (root.first_ns, root.end_ns, root.reach_ns, root.spans) == (5 * MS, 30 * MS, 60 * MS, 3)
    assert (early.reach_ns, late.spans) == (60 * MS, 1)


def test_trouble_below_is_known_above() -> None:
    spans = [span("root"), span("fine", "root"), span("failed", "root", status=2)]
    assert [node.troubled for node in span_tree.grow(spans).nodes] == [True, False, True]
    loud = span_tree.grow([span("root"), span("fine", "root")], [log("broke", "fine", 1, sev=17)])
    assert [node.troubled for node in loud.nodes] == [True, True]
