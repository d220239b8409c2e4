"""What the pane tells: own frames of a traceback, what is typical, attributes in groups."""

from __future__ import annotations

import sqlite3

import orjson

from django_observe.console import detail, stack_traces
from django_observe.console.typical import typical
from tests.console.rows import CLIENT, MS, span

TRACEBACK = """Traceback (most recent call last):
  File "/srv/.venv/lib/python3.12/site-packages/django/core/handlers/base.py", line 197, in _get_response
    response = wrapped_callback(request, *callback_args)
  File "/srv/shop/views.py", line 88, in create
    charge = payments.charge(order)
  File "/usr/lib/python3.12/ssl.py", line 1, in read
    return self._sslobj.read(len)
  File "/srv/.venv/lib/python3.12/site-packages/requests/models.py", line 1024, in raise_for_status
    raise HTTPError(message)
requests.exceptions.HTTPError: 502 Bad Gateway
"""


def test_library_frames_are_one_block_and_the_last_own_frame_is_named() -> None:
    read = stack_traces.read(TRACEBACK)
    assert (read.place, read.code) == (
        "/srv/shop/views.py:88 in create",
        "charge = payments.charge(order)",
    )
    assert [(block.frames, block.packages) for block in read.blocks] == [
        (0, ""),
        (1, "django"),
        (0, ""),
        (2, "Python's own, requests"),
        (0, ""),
    ]
    assert "\n".join(block.text for block in read.blocks) == TRACEBACK.rstrip()


def test_what_is_no_traceback_is_shown_as_it_is() -> None:
    read = stack_traces.read("Error: boom\n    at main (app.js:3:1)")
    assert [block.text for block in read.blocks] == ["Error: boom\n    at main (app.js:3:1)"]
    assert not read.place
    assert not stack_traces.read("").blocks


def stored(durations: list[int]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE span(id INTEGER PRIMARY KEY, service, name, kind, dur_ns)")
    rows = [("svc", "SELECT", CLIENT, duration * MS) for duration in durations]
    connection.executemany("INSERT INTO span(service, name, kind, dur_ns) VALUES(?,?,?,?)", rows)
    return connection


def test_typical_is_of_the_same_kind_and_needs_five() -> None:
    found = typical(stored(list(range(1, 101))), span("SELECT", length=96, kind=CLIENT))
    assert found
    assert (found.count, found.p50_ns, found.p95_ns, found.slower_than) == (100, 51 * MS, 96 * MS, 95)
    assert typical(stored([1] * 4), span("SELECT", kind=CLIENT)) is None
    assert typical(stored([1] * 100), span("INSERT", kind=CLIENT)) is None


def test_attributes_are_grouped_and_single_values_can_be_searched() -> None:
    attrs = {
        "order.id": 7,
        "db.system": "sqlite",
        "http.route": "orders/",
        "url.path": "/orders/",
        "password": "s3cret",
        "tags": ["a", "b"],
        "long": "x" * 200,
    }
    shown = {**span("GET"), "attrs": orjson.dumps(attrs).decode(), "corr": None, "scope": ""}
    groups = detail.of_span(shown, 0, {}).groups
    assert [(group.name, [one.key for one in group.attributes]) for group in groups] == [
        ("HTTP", ["http.route", "url.path"]),
        ("Database", ["db.system"]),
        ("Attributes", ["long", "order.id", "password", "tags"]),
    ]
    searched = {one.key: one.where for group in groups for one in group.attributes}
    assert searched["order.id"] == "order.id=7"
    assert [key for key, where in searched.items() if not where] == ["long", "password", "tags"]
