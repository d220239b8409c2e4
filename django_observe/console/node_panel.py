"""What the map tells about the node that was chosen."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from django_observe.console import figures, operation_list, rate_queries
from django_observe.console.figures import Figures
from django_observe.console.graph_view import EdgeRow
from django_observe.console.operation_list import OperationRow
from django_observe.console.service_graph import SERVICE, Node
from django_observe.console.timerange import TimeRange
from django_observe.console.window import Window

_OPERATIONS: Final = 8


@dataclass(frozen=True)
class Panel:
    """A node, what it is most asked for, and its edges."""

    node: Node
    figures: Figures
    operations: list[OperationRow]
    called_by: list[EdgeRow]
    calls: list[EdgeRow]


def panel(
    connection: sqlite3.Connection, node: Node, rows: list[EdgeRow], at: Window, shown: TimeRange
) -> Panel:
    """`rows` are those of the whole map."""
    return Panel(
        node=node,
        figures=figures.figures(node.measure, at.seconds),
        operations=_operations(connection, node.title, at, shown) if node.kind == SERVICE else [],
        called_by=[row for row in rows if row.target is node],
        calls=[row for row in rows if row.source is node],
    )


def _operations(
    connection: sqlite3.Connection, service: str, at: Window, shown: TimeRange
) -> list[OperationRow]:
    each = rate_queries.operations(connection, at, service).each
    return operation_list.rows(each, at, shown, limit=_OPERATIONS)
