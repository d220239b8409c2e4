"""Celery: every way of calling a task, on every pool and on both brokers."""

from __future__ import annotations

import pytest

from tests.conformance.rows import Row, row
from tests.conformance.runs import Run, expect_line, expect_runs, run
from tests.conformance.services import KIT, Worker, Workers

DESCENT = (
    run("depth 2", task="descend"),
    run("depth 1", by="depth 2", task="descend"),
    run("depth 0", by="depth 1", task="descend"),
)
HOOKS = ("before_start 0", "__call__ 0", "failing", "on_failure 0", "after_return 0")
FAILING = run(*HOOKS, task="fails", state="FAILURE")

WAYS: dict[str, tuple[str, tuple[Run, ...]]] = {
    "delay": ("delay", (run("task"),)),
    "apply_async": ("apply_async", (run("task"),)),
    "delay_on_commit": ("delay_on_commit", (run("task"),)),
    "send_task, of a name unknown to the publisher": ("send_task", (run("task", task="known"),)),
    "task calling task": ("calling", DESCENT),
    "eta": ("eta", (run("task"),)),
    "countdown": ("countdown", (run("task"),)),
    "ignore_result": ("ignore_result", (run("task"),)),
    "task class with hooks, a retry between": (
        "own_class",
        (
            run(
                *("before_start 0", "__call__ 0", "run 0", "on_retry 0"),
                task="hooked",
                state="RETRY",
            ),
            run(
                *("before_start 1", "__call__ 1", "run 1", "on_success 1", "after_return 1"),
                by="before_start 0",
                task="hooked",
                attempt=2,
            ),
        ),
    ),
    "chain": ("chained", (run("first"), run("second", by="first"), run("third", by="second"))),
    "group": ("grouped", (run("first"), run("second"), run("third"))),
    "chord": ("chorded", (run("first"), run("second"), run("body", by="first or second"))),
    "chord, a header task fails": (
        "failing_chord",
        (FAILING, run("second"), run("errback", by="before_start 0 or second")),
    ),
    "chain around a group": (
        "chain_around_group",
        (
            run("first"),
            run("second", by="first"),
            run("third", by="first"),
            run("last", by="second or third"),
        ),
    ),
    "group of a chain and a chord": (
        "group_of_canvas",
        (
            run("first"),
            run("second", by="first"),
            run("third"),
            run("fourth"),
            run("body", by="third or fourth"),
        ),
    ),
    "map": ("mapped", (run("first", "second", task="map"),)),
    "starmap": ("starmapped", (run("first", "second", task="starmap"),)),
    "chunks": ("chunked", (run("first", "second", task="starmap"), run("third", task="starmap"))),
    "link": ("link", (run("task"), run("callback", by="task"))),
    "link_error, called where the task failed": (
        "link_error",
        (run(*HOOKS, "errback", task="fails", state="FAILURE"),),
    ),
    "link_error, published as a task": (
        "link_error_of_old",
        (FAILING, run("errback", by="before_start 0")),
    ),
    "replace": ("replace", (run("replaced", task="replaced", state="IGNORED"), run("first", by="replaced"))),
}


@row("Celery", "{way}", column="pool")
@pytest.mark.parametrize("way", WAYS)
def test_way(row: Row, workers: Workers, pool: str, way: str) -> None:
    scenario, runs = WAYS[way]
    worker = workers[pool]
    worker.publish(row, scenario)
    expect_runs(row, worker, runs)


def attempts(task: str) -> tuple[Run, ...]:
    return (
        run("attempt 1", task=task, state="RETRY"),
        run("attempt 2", by="attempt 1", task=task, state="RETRY", attempt=2),
        run("attempt 3", by="attempt 2", task=task, attempt=3),
    )


@row("Celery", "retry", column="pool")
def test_retry(row: Row, workers: Workers, pool: str) -> None:
    retry(row, workers[pool], "retries")


@row("Celery", "autoretry with backoff", column="pool")
def test_autoretry(row: Row, workers: Workers, pool: str) -> None:
    retry(row, workers[pool], "autoretries")


def retry(row: Row, worker: Worker, task: str) -> None:
    """Each attempt descends from the one before it, and its message is as large."""
    worker.publish(row, task)
    seen = expect_runs(row, worker, attempts(task))
    with row.aspect("also"):
        headers = [seen[f"attempt {number}"]["headers"] for number in (1, 2, 3)]
        assert headers[0] == headers[1] == headers[2] != []
        assert len({seen[place]["size"] for place in seen}) == 1


@row("Celery", "immutable signatures", column="pool")
def test_immutable(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "immutable")
    seen = expect_runs(row, worker, (run("first"), run("second", by="first"), run("third", by="second")))
    with row.aspect("also"):
        assert [seen[place]["given"] for place in ("first", "second", "third")] == [0, 1, 0]


@row("Celery", "stamped signatures", column="pool")
def test_stamped(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "stamped")
    seen = expect_runs(row, worker, (run("first"), run("second", by="first")))
    with row.aspect("also"):
        assert [seen[place]["stamps"] for place in seen] == [{"shop": "basel"}] * 2


@row("Celery", "replace, by a group", column="pool")
def test_replace_with_group(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "replace_with_group")
    replaced = run("replaced", task="replaced", state="IGNORED")
    expect_runs(row, worker, (replaced, run("first", by="replaced"), run("second", by="replaced")), ends=4)
    if KIT == "ours":
        with row.aspect("also"):
            [line] = worker.lines.wait(event="task", correlation_id=row.identifier, task="celery.accumulate")
            assert (line["trace_id"], line["state"]) == (row.trace_id, "SUCCESS")


@row("Celery", "apply() in a task", column="pool")
def test_eager(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "applying")
    seen = {place: worker.witness(row, place) for place in ("before", "inside", "after")}
    for line in seen.values():
        row.expect_id(line)
        row.expect_trace(line)
    with row.aspect("trace"):
        outer = seen["before"]["seen_span_id"]
        assert (
            row.spans.get(seen["inside"]["seen_span_id"]).parent_id == outer == seen["after"]["seen_span_id"]
        )
    with row.aspect("clean"):
        left = {line["run_id"]: line for line in worker.lines.wait(2, key=row.key, place="left")}
        inner = left.pop(seen["inside"]["run_id"])
        assert (inner["seen"], inner["seen_span_id"], inner["changed"]) == (row.identifier, outer, [])
        assert [(line["seen"], line["changed"]) for line in left.values()] == [(None, [])]
    row.expect_clean(worker.publisher)
    if KIT == "ours":
        with row.aspect("also"):
            expect_line(row, worker, run("inside"), seen["inside"]["seen_span_id"])
            expect_line(row, worker, run("before", task="applies"), outer)
