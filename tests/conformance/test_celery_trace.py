"""Celery: what a run's span is to its publisher's, and how long the task waited, by whose clock."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.collector import Received
from tests.conformance.project.troublepublishing import AHEAD, BEHIND
from tests.conformance.rows import Row, row
from tests.conformance.runs import producers
from tests.conformance.services import KIT, Worker, Workers
from tests.processes import get, wait_until


def links(span: Received) -> list[tuple[str, str]]:
    return [(link.trace_id.hex(), link.span_id.hex()) for link in span.raw.links]


def expect_apart(row: Row, seen: dict[str, Any], task: str, *, linked: bool) -> None:
    """The run's span is the first of another trace, and knows the publisher's or not."""
    with row.aspect("trace"):
        assert seen["seen_trace_id"] != row.trace_id
        run = row.spans.get(seen["seen_span_id"])
        assert run.name == f"run/tests.conformance.project.troubletasks.{task}"
        assert run.parent_id == ""
        [producer] = wait_until(lambda: producers(row, task), "the producer's span")
        assert links(run) == ([(row.trace_id, producer.span_id)] if linked else [])


@row("Celery", "TASK_TRACE: child", column="pool")
def test_child(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "child")
    row.expect(worker.witness(row, "task"), worker)


@pytest.mark.parametrize(("choice", "task"), [("link", "linked"), ("new", "anew")])
@row("Celery", "TASK_TRACE: {choice}", column="pool")
def test_link_and_new(row: Row, workers: Workers, pool: str, choice: str, task: str) -> None:
    worker = workers[pool]
    worker.publish(row, task)
    seen = worker.witness(row, "task")
    row.expect_id(seen)
    expect_apart(row, seen, task, linked=choice == "link")
    row.expect_clean(worker)
    row.expect_clean(worker.publisher)


@row("Celery", "ETA a long time after the publish: linked", column="pool")
def test_long_eta(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "long_eta").json()
    seen = worker.witness(row, "task")
    row.expect_id(seen)
    expect_apart(row, seen, "headed", linked=True)
    row.expect_clean(worker)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert 0 <= line["queue_wait_ms"] < 10_000


@row("Celery", "queue wait on the line, the span and the histogram", column="pool")
def test_queue_wait(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    before = waited(worker) if KIT == "ours" else 0.0
    task_id = worker.publish(row, "from_the_past").json()
    seen = worker.witness(row, "task")
    row.expect(seen, worker)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert BEHIND <= line["queue_wait_ms"] / 1_000 < BEHIND + 10
        span = row.spans.get(seen["seen_span_id"]).attributes
        assert span["celery.queue_wait_ms"] == line["queue_wait_ms"]
        assert "clock_skew_ms" not in line
        assert "celery.clock_skew_ms" not in span
        more = wait_until(lambda: waited(worker) - before, "the wait in the histogram", 10)
        assert more == pytest.approx(line["queue_wait_ms"] / 1_000, abs=0.1)


def waited(worker: Worker) -> float:
    """Seconds that tasks of the worker have waited so far, by its metrics."""
    page = get(f"http://127.0.0.1:{worker.metrics_port}/metrics").text
    sums = re.findall(r"^celery_task_queue_wait_time_sum\{.*tasks\.tell.*\} (\S+)$", page, re.MULTILINE)
    return sum(map(float, sums))


@row("Celery", "a publisher whose clock is ahead: the wait is 0, and marked", column="pool")
def test_clock_skew(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "from_the_future").json()
    seen = worker.witness(row, "task")
    row.expect(seen, worker)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert line["queue_wait_ms"] == 0
        assert 0 < line["clock_skew_ms"] / 1_000 <= AHEAD
        span = row.spans.get(seen["seen_span_id"]).attributes
        assert span["celery.queue_wait_ms"] == 0
        assert span["celery.clock_skew_ms"] == line["clock_skew_ms"]
