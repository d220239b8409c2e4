"""What a PromQL expression asks for and yields, by a real parser (development dependency promql-parser)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import promql_parser as parser

from dashboards.promql import concrete

KEEPS_LABELS: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that choose series instead of joining them."""
_NONE: Final[frozenset[str]] = frozenset()


class Reader:
    """Walks an expression: `asked` gathers metrics and matchers, `faults` what `known` series cannot give."""

    def __init__(self, known: Mapping[str, frozenset[str]]) -> None:
        self._known = known
        self.asked: defaultdict[str, set[str]] = defaultdict(set)
        self.grouped: set[str] = set()
        self.faults: list[str] = []

    def read(self, expression: str) -> frozenset[str]:
        """The labels its result has; ValueError when it does not parse."""
        return self._labels(parser.parse(concrete(expression)))

    def _labels(self, node: object) -> frozenset[str]:
        match node:
            case parser.VectorSelector():
                labels = self._selected(node)
            case parser.MatrixSelector():
                labels = self._selected(node.vector_selector)
            case parser.AggregateExpr():
                labels = self._aggregated(node)
            case parser.BinaryExpr():
                labels = self._joined(node)
            case parser.Call():
                labels = self._called(node)
            case parser.ParenExpr() | parser.SubqueryExpr() | parser.UnaryExpr():
                labels = self._labels(node.expr)
            case _:
                labels = _NONE
        return labels

    def _selected(self, node: parser.VectorSelector) -> frozenset[str]:
        name, matched = node.name or "", frozenset(matcher.name for matcher in node.matchers.matchers)
        self.asked[name] |= matched
        if name not in self._known:
            self.faults.append(f"no such series: {name}")
            return matched
        self._want(matched, self._known[name], name)
        return self._known[name]

    def _aggregated(self, node: parser.AggregateExpr) -> frozenset[str]:
        inner = self._labels(node.expr)
        named = frozenset(node.modifier.labels) if node.modifier else _NONE
        self._want(named, inner, f"what {node.op} aggregates")
        if str(node.op) in KEEPS_LABELS:
            return inner
        without = node.modifier is not None and node.modifier.type == parser.AggModifierType.Without
        return inner - named if without else named

    def _joined(self, node: parser.BinaryExpr) -> frozenset[str]:
        left, right = self._labels(node.lhs), self._labels(node.rhs)
        modifier = node.modifier
        named = frozenset(modifier.matching.labels if modifier and modifier.matching else ())
        self._want(named, left | right, f"what {node.op} joins")
        copied = frozenset(modifier.group_labels or ()) if modifier else _NONE
        self._want(copied, left | right, f"what {node.op} joins")
        return left if str(node.op) in {"and", "unless"} else left | right

    def _called(self, node: parser.Call) -> frozenset[str]:
        found = _NONE.union(*(self._labels(argument) for argument in node.args))
        if node.func.name == "label_replace":
            return found | {node.args[1].val}
        return found - {"le"} if node.func.name == "histogram_quantile" else found

    def _want(self, wanted: frozenset[str], there: frozenset[str], where: str) -> None:
        self.grouped |= wanted
        if missing := wanted - there:
            self.faults.append(f"{where} has no label {', '.join(sorted(missing))}")


def names(expression: str) -> tuple[frozenset[str], frozenset[str]]:
    """The metric and the label names an expression uses; ValueError when it does not parse."""
    reader = Reader({})
    reader.read(expression)
    matched: frozenset[str] = _NONE.union(*reader.asked.values())
    return frozenset(reader.asked), matched | reader.grouped
