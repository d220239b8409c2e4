"""What a PromQL expression refers to, by a real parser (development dependency promql-parser)."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import promql_parser as parser

from dashboards.promql import concrete

GENERATED_LABELS: Final = frozenset({"__name__"})


def uses(expression: str) -> dict[str, frozenset[str]]:
    """Each metric with the labels it is selected, grouped or joined by; ValueError when it does not parse."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    _visit(parser.parse(concrete(expression)), frozenset(), found)
    return {metric: frozenset(labels - GENERATED_LABELS) for metric, labels in found.items()}


def _visit(node: parser.Expr, wanted: frozenset[str], found: defaultdict[str, set[str]]) -> None:
    if isinstance(node, parser.VectorSelector):
        matchers = node.matchers.matchers
        name = node.name or next((m.value for m in matchers if m.name == "__name__"), "")
        found[name] |= {matcher.name for matcher in matchers} | wanted
    elif isinstance(node, parser.MatrixSelector):
        _visit(node.vector_selector, wanted, found)
    elif isinstance(node, parser.AggregateExpr):
        labels = frozenset(node.modifier.labels) if node.modifier else frozenset()
        _visit(node.expr, labels, found)
    elif isinstance(node, parser.BinaryExpr):
        matching = node.modifier.matching if node.modifier else None
        joined = wanted | frozenset(matching.labels if matching else ())
        _visit(node.lhs, joined, found)
        _visit(node.rhs, joined, found)
    elif isinstance(node, parser.Call):
        for argument in node.args:
            _visit(argument, wanted, found)
    elif isinstance(node, (parser.ParenExpr, parser.SubqueryExpr, parser.UnaryExpr)):
        _visit(node.expr, wanted, found)
