"""The search box, which recognises what is pasted, and the first page."""

from __future__ import annotations

import re
import sqlite3
from typing import Final
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from django_observe.console import id_prefix, timerange
from django_observe.console.formatting import is_random
from django_observe.console.instance import console_of
from django_observe.console.traceid import is_trace_id

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SPAN: Final = re.compile(r"[0-9a-fA-F]{16}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NAMED: Final = re.compile(
    r"""["']?(?:(?:x[-_])?(trace|correlation)[-_]?id|traceparent)["']?\s*[:=]\s*["']?([^\s"',]+)["']?,?""",
    re.IGNORECASE,
)
_CHIP: Final = re.compile(r"""[A-Za-z_][\w.\-]*(?:!=|=|>|<|~)(?:"[^"]*"|[^\s"]\S*)""")
_KNOWN: Final = """SELECT 1 FROM trace WHERE corr=?1 UNION ALL SELECT 1 FROM span WHERE corr=?1
  UNION ALL SELECT 1 FROM log WHERE corr=?1 LIMIT 1"""


def home(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The services are where one starts."""
    return HttpResponseRedirect("/services")


def search(request: HttpRequest) -> HttpResponse:
    """GET /search?q=: an ID, `key=value` conditions, or words to look for in the logs."""
    text = request.GET.get("q", "").strip()
    kept = timerange.own_pairs(request.GET)
    with console_of(request).store.reading() as connection:
        path = _of_id(connection, text)
    text = text.removesuffix("\u2026")  # as lists cut a long ID
    if path is None and (conditions := _conditions(text)):
        path = f"/traces?{urlencode([('where', one) for one in conditions] + kept)}"
    return HttpResponseRedirect(path or f"/logs?{urlencode([('q', text), *kept])}")


def _of_id(connection: sqlite3.Connection, text: str) -> str | None:
    """The page of the trace, span or correlation ID that `text` is, however it was quoted.

    A correlation ID may be its first trace's ID too: the name decides, and `/c/` where there is none.
    """
    named = _NAMED.fullmatch(text)
    name, text = ((named[1] or "").lower(), named[2]) if named else ("", text)
    parent = _TRACEPARENT.fullmatch(text)
    trace_id = parent[1] if parent else text
    known = not named and _is_correlation_id(connection, text)
    if name == "correlation" or known or _UUID.fullmatch(text):
        return f"/c/{quote(text, safe='')}"
    if is_trace_id(trace_id):
        return f"/trace/{trace_id.lower()}"  # says that it has not arrived, or went
    found = _of_span(connection, text) if _SPAN.fullmatch(text) else None
    return found or (None if named else _of_beginning(connection, text))


def _of_beginning(connection: sqlite3.Connection, text: str) -> str | None:
    """The ID that is meant, or the list of several; the page of log lines offers what a word begins."""
    found = id_prefix.addresses(connection, text)
    if whole := id_prefix.meant(text, list(found)):
        return found[whole]
    several = len(found) > 1 and (text != id_prefix.uncut(text) or all(map(is_random, found)))
    return f"/c/{quote(text, safe='')}" if several else None


def _is_correlation_id(connection: sqlite3.Connection, text: str) -> bool:
    return bool(text) and connection.execute(_KNOWN, (text,)).fetchone() is not None


def _of_span(connection: sqlite3.Connection, text: str) -> str | None:
    row = connection.execute(
        "SELECT trace_id FROM span WHERE span_id=? LIMIT 1", (bytes.fromhex(text),)
    ).fetchone()
    return f"/trace/{row[0].hex()}?span={text.lower()}" if row else None


def _conditions(text: str) -> list[str]:
    """`http.route=/orders db.system>x` as conditions on a trace; none when a part of it is something else."""
    found = [match[0].replace('"', "") for match in _CHIP.finditer(text)]
    return found if found and not _CHIP.sub("", text).strip() else []
