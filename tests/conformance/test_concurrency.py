"""Threads, executors, asyncio's tasks, many requests at a time, a fork: each under its own request's ID."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.collector import Received
from tests.conformance.project.crowd import CROWD
from tests.conformance.rows import Row, row
from tests.conformance.services import Server, Servers
from tests.processes import Answer, get, wait_until


def expect_carried(row: Row, server: Server, path: str, ends: int = 2) -> None:
    """The far end's span is a child of the request's, whose answer bears the ID.

    `ends` places are clean: the server's thread or task, and the thread that has worked.
    """
    answer = server.get(path, row)
    seen = server.witness(row, "work")
    row.expect_id(seen)
    spans = row.expect_trace(seen)
    with row.aspect("trace"):
        assert (spans[0].name, len(spans)) == ("work", 2)
    row.expect_clean(server, ends)
    with row.aspect("also"):
        assert (answer.status, answer.text) == (200, row.identifier)


THREADS = [
    ("threading.Thread", "thread"),
    ("threading.Timer", "timer"),
    ("threading.Timer that outlives its request", "outliving-timer"),
    ("ThreadPoolExecutor.map", "map"),
    ("contextvars.copy_context", "copy_context"),
    ("a subclass of Thread, rebound", "rebind"),
]
TASKS = [
    ("asyncio.create_task", "create_task"),
    ("asyncio.gather", "gather"),
    ("a task that outlives its request", "outlive"),
]
POOLS = [
    ("asyncio.to_thread", "to_thread"),
    ("loop.run_in_executor", "run_in_executor"),
    ("loop.run_in_executor, the loop's own", "run_in_executor-default"),
    ("sync_to_async", "sync_to_async"),
    ("sync_to_async in a thread of its own", "sync_to_async-thread"),
]


@pytest.mark.parametrize(("what", "way"), THREADS, ids=[way for _, way in THREADS])
@row("concurrency", "{what}")
def test_threads(row: Row, servers: Servers, what: str, way: str) -> None:
    expect_carried(row, servers["gunicorn gthread"], f"/concurrency/sync/{way}/")


@row("concurrency", "async_to_sync")
def test_async_to_sync(row: Row, servers: Servers) -> None:
    expect_carried(row, servers["gunicorn gthread"], "/concurrency/sync/async_to_sync/", ends=1)


@pytest.mark.parametrize(("what", "way"), TASKS, ids=[way for _, way in TASKS])
@row("concurrency", "{what}")
def test_tasks(row: Row, servers: Servers, what: str, way: str) -> None:
    expect_carried(row, servers["uvicorn"], f"/concurrency/async/{way}/", ends=1)


@pytest.mark.parametrize(("what", "way"), POOLS, ids=[way for _, way in POOLS])
@row("concurrency", "{what}: the pool's thread is clean afterwards")
def test_pools(row: Row, servers: Servers, what: str, way: str) -> None:
    expect_carried(row, servers["uvicorn"], f"/concurrency/async/{way}/")


@row("concurrency", "ThreadPoolExecutor.submit: the pool's thread is clean afterwards")
def test_submit(row: Row, servers: Servers) -> None:
    expect_carried(row, servers["gunicorn gthread"], "/concurrency/sync/submit/")


@row("concurrency", "a reused thread: the next request's work is its own, nobody's is nobody's")
def test_reuse(row: Row, servers: Servers) -> None:
    server, other = servers["gunicorn gthread"], Row(row.spans)
    server.get("/concurrency/sync/submit/", other)
    expect_carried(row, server, "/concurrency/sync/submit/")
    server.get("/concurrency/sync/nobody/", row)
    nobody = server.witness(row, "nobody")
    with row.aspect("clean"):
        assert (nobody["seen"], nobody.get("correlation_id")) == (None, None)
        assert int(nobody["seen_span_id"], 16) == 0


@pytest.mark.parametrize("name", ["gunicorn sync", "uvicorn"])
@row("concurrency", "a reused thread of the server: a request without an ID has one of its own: {name}")
def test_reused_server_thread(row: Row, servers: Servers, name: str) -> None:
    server, before = servers[name], Row(row.spans)
    server.get("/django/sync/", before)
    answer = server.get("/django/sync/", row, {})
    seen = server.witness(row, "view")
    row.expect_id(seen, answer.headers["X-Correlation-ID"])
    with row.aspect("trace"):
        assert seen["seen_trace_id"] != before.trace_id
        assert row.spans.path(seen["seen_span_id"])[-1].parent_id == ""
    row.expect_clean(server)
    with row.aspect("also"):
        assert answer.headers["X-Correlation-ID"] == seen["seen_trace_id"]


@pytest.mark.parametrize(("name", "path"), [("gunicorn gthread, 200 threads", "sync"), ("uvicorn", "async")])
@row("concurrency", f"{CROWD} requests at work at once, 0 mixed IDs: {{name}}")
def test_crowd(row: Row, servers: Servers, name: str, path: str) -> None:
    """No view goes on before all of them are in."""
    server = servers[name]
    rows = [Row(row.spans) for _ in range(CROWD)]

    def ask(each: Row) -> Answer:
        return get(f"{server.url}/crowd/{path}/?key={each.key}", each.headers)

    with ThreadPoolExecutor(CROWD) as client:
        answers = list(client.map(ask, rows))
    for each, answer in zip(rows, answers, strict=True):
        each.expect(server.witness(each, "work"), server)
        with each.aspect("also"):
            told = (answer.status, answer.headers["X-Correlation-ID"], answer.text)
            assert told == (200, each.identifier, each.identifier)
            assert len(server.request_lines(each.identifier)) == 1
            assert len(row.spans.of_trace(each.trace_id)) == 2
        row.aspects = each.aspects
        if any(each.aspects.values()):
            break  # one that is mixed up says it all


def requests_of(row: Row) -> list[Received]:
    """The spans of what the caller asked for."""
    return row.spans.where(lambda span: span.parent_id == row.parent_id)


@pytest.mark.parametrize(("what", "way"), [("os.fork", "fork"), ("multiprocessing.Process", "process")])
@row("concurrency", "{what} within a request: the child's work is the request's, which is told once")
def test_fork(row: Row, servers: Servers, what: str, way: str) -> None:
    server = servers["gunicorn gthread"]
    answer = server.get(f"/concurrency/sync/{way}/", row)
    child = server.witness(row, "child")
    row.expect_id(child)
    row.expect_trace(child)
    row.expect_clean(server)
    with row.aspect("also"):
        assert (answer.status, answer.text) == (200, row.identifier)
        assert len(server.request_lines(row.identifier)) == 1
        assert len(wait_until(lambda: requests_of(row), "the request's span")) == 1
        assert len(row.spans.of_trace(row.trace_id)) == 2
