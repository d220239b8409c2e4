"""The waterfall of a trace page, read from its HTML; and spans to fill it with."""

from __future__ import annotations

import html
import re
import time
from typing import Any

from tests.console.running import span_id
from tests.console.telemetry import attributes, span

MS = 10**6
ROW = re.compile(r'<tr(?: id="([^"]*)")? class="([^"]*)".*?(?=<tr|</tbody>)', re.DOTALL)
TEXT = re.compile(r'<span class="(?:op|msg|gap-text)">(.*?)</span>')
STORY = time.time_ns() - 60 * 10**9


def rows(text: str) -> list[tuple[str, str, str]]:
    """(ID, classes, text) of each line of the waterfall, top to bottom."""
    found = ROW.finditer(text[text.index('<tbody id="rows">') :])
    return [(row[1] or "", row[2], html.unescape(TEXT.findall(row[0])[0])) for row in found]


def lines(text: str) -> list[str]:
    return [line for _, classes, line in rows(text) if not classes.startswith("gap")]


def child(trace: str, parent: str, name: str, at: float, length: float, **fields: Any) -> dict[str, Any]:
    """A span below `parent`; milliseconds after the epoch of the tests' story."""
    start = STORY + int(at * MS)
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + int(length * MS))}
    attrs = attributes(fields.pop("attrs", {}))
    return span(trace, fields.pop("id", span_id()), name, parent, attributes=attrs, **times, **fields)
