"""Search within one trace: names, statements, attributes, messages."""

from __future__ import annotations

from collections.abc import Iterable

from django_observe.console.span_tree import Node, Record


def find(nodes: Iterable[Node], logs: Iterable[Record], text: str) -> tuple[frozenset[Node], frozenset[int]]:
    """(spans, row numbers of log lines) that hold `text`, upper or lower case."""
    if not text:
        return frozenset(), frozenset()
    wanted = text.lower()
    spans = (node for node in nodes if node.record is not None and wanted in _span_text(node.record))
    return frozenset(spans), frozenset(log["id"] for log in logs if wanted in _log_text(log))


def _span_text(span: Record) -> str:
    parts = ("name", "status_msg", "attrs", "events")
    return "\n".join([*(span[part] for part in parts), span["span_id"].hex()]).lower()


def _log_text(log: Record) -> str:
    return "\n".join(log[part] for part in ("body", "error", "attrs")).lower()
