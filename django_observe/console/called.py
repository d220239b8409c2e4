"""What a span went to when its name does not tell: a statement, or a URL without its query."""

from __future__ import annotations

import re
from typing import Final

from django_observe.console.shortsql import table_of
from django_observe.console.span_tree import Node
from django_observe.console.values import first_text
from django_observe.sqltext import without_values

_CALLS: Final = frozenset({3, 4})  # CLIENT and PRODUCER
_NUMBER: Final = re.compile(r"(?<=/)(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")


def database(node: Node) -> str:
    """The database system of a span that is a query; empty for others."""
    if node.record is None or node.record["kind"] not in _CALLS:
        return ""
    return first_text(node.attrs, "db.system.name", "db.system") or ""


def statement(node: Node) -> str:
    """The text of a query as it was sent; empty for spans that are none."""
    return (first_text(node.attrs, "db.query.text", "db.statement") or "") if database(node) else ""


def label(node: Node) -> str:
    """The span's name; that of a query with its table, as instrumentations name it by its verb alone."""
    name: str = node.record["name"] if node.record else ""
    table = "" if " " in name else table_of(statement(node))
    return f"{name} {table}" if table else name


def url(node: Node) -> str:
    """The URL of an outgoing request, without its query."""
    if node.record is None or node.record["kind"] not in _CALLS:
        return ""
    return (first_text(node.attrs, "url.full", "http.url") or "").partition("?")[0]


def pattern(node: Node) -> str:
    """The same text for calls that differ in nothing but values: how repeated ones are recognised."""
    sent = statement(node)
    return without_values(sent, database(node)) if sent else _NUMBER.sub("{n}", url(node))
