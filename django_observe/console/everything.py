"""All that is kept, as one file of OTLP/JSON lines, such as collectors write and `import` reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from django_observe.console import limits, logsdata, tracesdata
from django_observe.console.instance import console_of
from django_observe.console.store import Store

_KEYS: Final = """SELECT listed_ns, trace_id FROM trace WHERE (listed_ns, trace_id) > (?, ?)
  ORDER BY listed_ns, trace_id LIMIT ?"""


def export(request: HttpRequest) -> HttpResponseBase:
    """GET /export.jsonl: a line per trace, oldest first, then the log lines that belong to none."""
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    return StreamingHttpResponse(
        _lines(console_of(request).store),
        content_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="telemetry.jsonl"'},
    )


def _lines(store: Store) -> Iterator[bytes]:
    """Reads anew for each line: a long download neither meets the time limit nor holds back the journal."""
    for key in _keys(store):
        with store.reading() as connection:
            data = {**tracesdata.traces_data(connection, [key]), **logsdata.logs_data(connection, key)}
        if any(data.values()):  # else it was evicted meanwhile
            yield orjson.dumps(data) + b"\n"
    last: int | None = 0
    while last is not None:
        with store.reading() as connection:
            data, last = logsdata.lone_logs_data(connection, last)
        if any(data.values()):
            yield orjson.dumps(data) + b"\n"


def _keys(store: Store) -> Iterator[bytes]:
    place = (-(2**63), b"")
    while True:
        with store.reading() as connection:
            rows = connection.execute(_KEYS, (*place, limits.PAGE_ROWS)).fetchall()
        if not rows:
            return
        yield from (row["trace_id"] for row in rows)
        place = (rows[-1]["listed_ns"], rows[-1]["trace_id"])
