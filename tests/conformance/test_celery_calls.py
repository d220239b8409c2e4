"""Celery: every way of calling a task, on every pool and on both brokers."""

from __future__ import annotations

from tests.conformance.rows import Row, row
from tests.conformance.services import Workers


@row("Celery", "apply_async", column="pool")
def test_apply_async(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "apply_async").json()
    row.expect(worker.witness(row, "task"), worker)
    row.expect_clean(worker.publisher)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert line["correlation_id"] == row.identifier
