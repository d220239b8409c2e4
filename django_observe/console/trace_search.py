"""Which traces match: one span of the trace must meet all conditions, as in Jaeger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django_observe.console.decoding import CORRELATION_KEYS

_AS_TEXT = "CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(value AS TEXT) END"
_HAS_ATTRIBUTE = f"""(EXISTS (SELECT 1 FROM json_each(span.attrs) WHERE key=? AND {_AS_TEXT}=?)
  OR EXISTS (SELECT 1 FROM resource, json_each(resource.attrs)
    WHERE resource.id=span.resource AND key=? AND {_AS_TEXT}=?))"""  # noqa: S608


@dataclass(frozen=True)
class Search:
    """Conditions on one span; times in Unix nanoseconds, durations in nanoseconds. Empty means any."""

    service: str = ""
    operation: str = ""
    start_ns: int = 0
    end_ns: int = 2**63 - 1
    duration_min_ns: int | None = None
    duration_max_ns: int | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    depth: int = 100


def find(connection: sqlite3.Connection, search: Search) -> list[bytes]:
    """Ids of at most `depth` traces, newest first."""
    conditions = list(_conditions(search))
    where = " AND ".join(text for text, _ in conditions)
    parameters = [value for _, values in conditions for value in values]
    rows = connection.execute(
        f"SELECT trace_id, max(start_ns) FROM span WHERE {where} GROUP BY trace_id ORDER BY 2 DESC LIMIT ?",  # noqa: S608
        (*parameters, search.depth),
    )
    return [row[0] for row in rows]


def _conditions(search: Search) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "start_ns BETWEEN ? AND ?", (_sql_int(search.start_ns), _sql_int(search.end_ns))
    if search.service:
        yield "service=?", (search.service,)
    if search.operation:
        yield "name=?", (search.operation,)
    if search.duration_min_ns is not None:
        yield "dur_ns>=?", (search.duration_min_ns,)
    if search.duration_max_ns is not None:
        yield "dur_ns<=?", (search.duration_max_ns,)
    for key, value in search.attributes.items():
        if key == CORRELATION_KEYS[0]:
            yield "corr=?", (value,)
        else:
            yield _HAS_ATTRIBUTE, (key, value, key, value)


def _sql_int(value: int) -> int:
    return max(-(2**63), min(value, 2**63 - 1))
