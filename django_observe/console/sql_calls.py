"""The queries of a trace, the same ones together: which to look at first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django_observe.console import called
from django_observe.console.formatting import visible
from django_observe.console.shortsql import shortened
from django_observe.console.span_tree import Node


@dataclass
class SqlCalls:
    """Times in nanoseconds; `slowest` is the ID of the slowest span in hex."""

    statement: str
    service: str
    database: str
    calls: int = 0
    errors: int = 0
    total_ns: int = 0
    max_ns: int = -1
    slowest: str = ""


_STATUS_ERROR = 2


def sql_calls(nodes: Iterable[Node]) -> list[SqlCalls]:
    """By statement without its values, service and database; those that took the most time in all first."""
    found: dict[tuple[str, str, str], SqlCalls] = {}
    for node in nodes:
        database, record = called.database(node), node.record
        if record is None or not database:
            continue
        statement = called.pattern(node) or record["name"]
        key = (statement, record["service"], database)
        group = found.setdefault(
            key, SqlCalls(visible(shortened(statement)), record["service"], visible(database))
        )
        group.calls += 1
        group.errors += record["status"] == _STATUS_ERROR
        group.total_ns += record["dur_ns"]
        if record["dur_ns"] > group.max_ns:
            group.max_ns, group.slowest = record["dur_ns"], record["span_id"].hex()
    return sorted(found.values(), key=lambda group: -group.total_ns)
