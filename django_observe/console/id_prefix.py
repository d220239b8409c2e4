"""The beginning of an ID led to the correlation IDs and traces that have it.

It may be another ID, where they are counted (`order-4711`, `order-47112`), or just a word: then it leads
nowhere by itself, and those that begin so are offered.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from django_observe.console.formatting import is_random

_CORRELATION: Final = re.compile(r"[!-~]{8,128}")
_TRACE: Final = re.compile(r"[0-9a-fA-F]{8,32}")
_LISTED: Final = 20
_CUT: Final = re.compile(r"(\u2026|\.\.\.)$")
# From one ID to the next along the index: many lines of one ID cost as much as one.
_BEGINNING: Final = """WITH RECURSIVE next(id) AS (SELECT min(corr) FROM {0} WHERE corr>=?1 AND corr<?2
    UNION ALL SELECT (SELECT min(corr) FROM {0} WHERE corr>next.id AND corr<?2) FROM next
    WHERE next.id IS NOT NULL LIMIT ?3)
  SELECT id FROM next WHERE id IS NOT NULL"""
_TABLES: Final = ("trace", "span", "log")
_TRACES: Final = "SELECT trace_id FROM trace WHERE trace_id BETWEEN ? AND ? ORDER BY trace_id LIMIT ?"


def address_of(connection: sqlite3.Connection, text: str) -> str | None:
    """`/c/...` or `/trace/...` of the ID that `text` is, or of the only one that it may mean; else None."""
    found = addresses(connection, text)
    whole = meant(text, list(found))
    return None if whole is None else found[whole]


def meant(text: str, found: Sequence[str]) -> str | None:
    """Of the IDs that begin so `text` itself; else the only one, if it is random or `text` ends in "…"."""
    if text in found:
        return text
    [only] = found if len(found) == 1 else [None]
    return only if only and (text != uncut(text) or (is_random(only) and not only.isdecimal())) else None


def uncut(text: str) -> str:
    """Without the dots that lists, and people, put behind the beginning of a long ID."""
    return _CUT.sub("", text)


def addresses(connection: sqlite3.Connection, text: str) -> dict[str, str]:
    """Pages of the first correlation IDs, and of the traces, that begin so; `/c/` of one that is both."""
    text = uncut(text)
    traces = {one: f"/trace/{one}" for one in trace_ids(connection, text)}
    return traces | {one: f"/c/{quote(one, safe='')}" for one in _correlation_ids(connection, text)}


def trace_ids(connection: sqlite3.Connection, text: str) -> list[str]:
    """The first twenty traces whose ID begins with eight or more hexadecimal digits."""
    if not may_begin_trace(text):
        return []
    bounds = (bytes.fromhex(text.ljust(32, "0")), bytes.fromhex(text.ljust(32, "f")))
    return [row[0].hex() for row in connection.execute(_TRACES, (*bounds, _LISTED))]


def may_begin_trace(text: str) -> bool:
    """Whether `text` is a trace ID, or enough of one."""
    return _TRACE.fullmatch(text) is not None


def _correlation_ids(connection: sqlite3.Connection, text: str) -> list[str]:
    if not _CORRELATION.fullmatch(text):
        return []
    bounds = (text, text[:-1] + chr(ord(text[-1]) + 1), _LISTED)
    found = {row[0] for table in _TABLES for row in connection.execute(_BEGINNING.format(table), bounds)}
    return sorted(found)[:_LISTED]
