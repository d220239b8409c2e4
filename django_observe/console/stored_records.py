"""What a running console has already of the traces in a file: log lines sent twice would be there twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from django_observe.console import client

_Key = tuple[str, str, str]


class Stored:
    """Spans by their IDs, log lines by trace, span and time in Unix nanoseconds."""

    def __init__(self, asked: client.Client, trace_ids: Iterable[str]) -> None:
        self._spans: set[_Key] = set()
        self._lines: set[_Key] = set()
        for trace_id in filter(None, trace_ids):
            trace = _trace(asked, trace_id)
            self._spans.update(_span_key(one) for one in _each(trace, "resourceSpans", "scopeSpans", "spans"))
            lines = map(_line_key, _each(trace, "resourceLogs", "scopeLogs", "logRecords"))
            self._lines.update(key for known in lines for key in (known, (known[0], "", "")))

    def has_span(self, span: dict[str, Any]) -> bool:
        """A span is the same by its IDs, whatever else it says."""
        return _span_key(span) in self._spans

    def has_line(self, line: dict[str, Any]) -> bool:
        """A line without a time counts as there when its trace has lines at all."""
        trace_id, span_id, at = _line_key(line)
        return ((trace_id, span_id, at) if at else (trace_id, "", "")) in self._lines


def _trace(asked: client.Client, trace_id: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = asked.json(f"/trace/{quote(trace_id, safe='')}.json")
    except client.ConsoleError:  # it has none of it, or that is no ID, which the receiver will say
        return {}
    return found


def _each(trace: dict[str, Any], groups: str, scopes: str, records: str) -> Iterator[dict[str, Any]]:
    for group in trace.get(groups, []):
        for scope in group[scopes]:
            yield from scope[records]


def _span_key(span: dict[str, Any]) -> _Key:
    return _hex(span, "traceId"), _hex(span, "spanId"), ""


def _line_key(line: dict[str, Any]) -> _Key:
    stated = (str(line.get(name) or "") for name in ("timeUnixNano", "observedTimeUnixNano"))
    at = next((text for text in stated if text not in ("", "0")), "")
    return _hex(line, "traceId"), _hex(line, "spanId"), at


def _hex(record: dict[str, Any], name: str) -> str:
    return str(record.get(name, "")).lower()
