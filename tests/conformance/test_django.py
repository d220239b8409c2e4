"""Django: every kind of view, and what Django runs around it."""

from __future__ import annotations

import gzip

import pytest

from tests.conformance.exchanges import expect_once, leave, told_of_disconnects
from tests.conformance.rows import Row, row
from tests.conformance.services import Server, Servers
from tests.conformance.telemetry import Spans
from tests.processes import Answer

SERVERS = ["gunicorn sync", "gunicorn gthread", "uvicorn"]
everywhere = pytest.mark.parametrize("server", SERVERS)
in_both = pytest.mark.parametrize("server", SERVERS[1:])
"""Under WSGI and under ASGI."""


def expect_answer(row: Row, server: Server, path: str, status: int = 200, *places: str) -> Answer:
    """The three promises at every place, one line, one span, and the row's ID on the answer."""
    answer = server.get(f"/django/{path}", row)
    for place in places or ("view",):
        seen = server.witness(row, place)
        row.expect_id(seen)
        path_to_caller = row.expect_trace(seen)
        with row.aspect("trace"):
            assert len(path_to_caller) == 1, "the server span is the current one"
    row.expect_clean(server)
    with row.aspect("also"):
        assert answer.status == status
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
    return answer


@row("Django", "sync view", column="server")
@everywhere
def test_sync_view(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "sync/")
    expect_once(row, servers[server], route="django/sync/", status=200)


@row("Django", "async view", column="server")
@everywhere
def test_async_view(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "async/", 200, "before", "view")
    expect_once(row, servers[server], route="django/async/", status=200)


@row("Django", "class-based view", column="server")
@everywhere
def test_class_based_view(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "class/", 200, "setup", "view")
    expect_once(row, servers[server], route="django/class/", status=200)


@row("Django", "class-based view, async", column="server")
@everywhere
def test_async_class_based_view(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "aclass/", 200, "before", "view")
    expect_once(row, servers[server], route="django/aclass/", status=200)


@row("Django", "{kind} view: the client leaves before it is done", column="server")
@told_of_disconnects
@pytest.mark.parametrize(("server", "kind"), [("uvicorn", "async"), ("uvicorn", "sync")])
def test_client_leaves(row: Row, servers: Servers, server: str, kind: str) -> None:
    """An async view is cancelled; a sync one goes on in its thread, under its ID."""
    leave(servers[server], f"/django/slow-{kind}/?key={row.key}", row, until="view")
    for place in ("view", "end"):
        row.expect(servers[server].witness(row, place), servers[server])
    expect_once(row, servers[server], "request_aborted", status=499)


@row("Django", "REST framework, a token's user", column="server")
@in_both
def test_rest_framework(row: Row, servers: Servers, server: str, spans: Spans) -> None:
    """The user is in the line at no cost: no statement, no session read, no `Vary: Cookie`."""
    given = servers[server].get("/django/rest/token/", Row(spans)).json()
    sent = {**row.headers, "Authorization": f"Token {given['token']}"}
    answer = servers[server].get("/django/rest/", row, sent)
    row.expect(servers[server].witness(row, "view"), servers[server])
    expect_once(row, servers[server], status=200, user_id=str(given["user"]), db_count=1)
    with row.aspect("also"):
        after = servers[server].witness(row, "request_finished")
        assert len(after["statements"]) == 1
        assert "authtoken_token" in after["statements"][0]
        assert after["accessed"] is False
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert answer.json() == {"user": given["user"]}


@row("Django", "template rendering: a tag and a context processor", column="server")
@in_both
def test_template(row: Row, servers: Servers, server: str) -> None:
    answer = expect_answer(row, servers[server], "template/", 200, "tag", "processor")
    expect_once(row, servers[server], status=200)
    with row.aspect("also"):
        assert answer.text == "rendered, processed"


@row("Django", "transaction.on_commit", column="server")
@in_both
def test_on_commit(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "on_commit/", 200, "on_commit", "robust")
    expect_once(row, servers[server], status=200)


@row("Django", "atomic: an exception rolls back", column="server")
@in_both
def test_rollback(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "rollback/", 500, "view")
    expect_once(row, servers[server], status=500, level="ERROR", error="LookupError")
    with row.aspect("also"):
        assert servers[server].get("/django/users/", row, {}).json() == 0
        assert servers[server].lines.where(key=row.key, place="on_commit") == []


@row("Django", "signals: post_save, got_request_exception", column="server")
@in_both
def test_signals(row: Row, servers: Servers, server: str) -> None:
    """Django sends request_started before any middleware and request_finished after all: no ID there."""
    expect_answer(row, servers[server], "signals/", 500, "post_save", "got_request_exception")
    expect_once(row, servers[server], status=500, error="LookupError")
    with row.aspect("also"):
        assert servers[server].witness(row, "request_started")["seen"] is None
        assert servers[server].witness(row, "request_finished")["seen"] is None


HOOKS = ("process_request", "process_view", "process_response")


@row("Django", "a middleware's hooks: process_view, process_template_response", column="server")
@in_both
def test_hooks(row: Row, servers: Servers, server: str) -> None:
    expect_answer(row, servers[server], "hooks/page/", 200, *HOOKS, "process_template_response", "tag")
    expect_once(row, servers[server], status=200)


@row("Django", "a middleware's hooks: process_exception answers", column="server")
@in_both
def test_process_exception(row: Row, servers: Servers, server: str) -> None:
    answer = expect_answer(row, servers[server], "hooks/conflict/", 409, *HOOKS, "process_exception")
    expect_once(row, servers[server], status=409)
    with row.aspect("also"):
        assert answer.text == "no such luck"


@row("Django", "a cached page has the ID of who asks, not of who filled the cache", column="server")
@in_both
def test_cached_page(row: Row, servers: Servers, server: str) -> None:
    answer = expect_answer(row, servers[server], "cached/")
    expect_once(row, servers[server], status=200)
    with row.aspect("also"):
        other = Row(row.spans, key=row.key)
        again = servers[server].get("/django/cached/", other)
        assert again.headers.get_all("X-Correlation-ID") == [other.identifier]
        assert (again.status, again.body) == (answer.status, answer.body)
        servers[server].request_lines(other.identifier)
        assert len(servers[server].lines.where(key=row.key, place="view")) == 1, "it came from the cache"


@row("Django", "compressed, and then 304 to a conditional request", column="server")
@in_both
def test_compressed_and_not_modified(row: Row, servers: Servers, server: str) -> None:
    first = servers[server].get("/django/large/", Row(row.spans), {"Accept-Encoding": "gzip"})
    sent = {**row.headers, "Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    answer = servers[server].get("/django/large/", row, sent)
    row.expect(servers[server].witness(row, "view"), servers[server])
    expect_once(row, servers[server], status=304, bytes_out=0)
    with row.aspect("also"):
        assert gzip.decompress(first.body) == b"large " * 1_000
        assert len(first.headers["X-Correlation-ID"]) == 32
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
