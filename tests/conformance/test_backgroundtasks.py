"""Elsewhere: Django's own background tasks, of Django 6 and of the backport, run at once or by a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collector import Collector
from tests.conformance.background import COLUMNS, Background
from tests.conformance.rows import Row, row
from tests.conformance.services import Program, Programs
from tests.conformance.telemetry import Line


@pytest.fixture(scope="module")
def backgrounds(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Programs[Background]]:
    folder = tmp_path_factory.mktemp("background")
    with Programs(lambda name, stack: Background(COLUMNS[name], collector, folder, stack)) as programs:
        yield programs


@pytest.fixture(params=COLUMNS)
def tasks(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


@pytest.fixture
def background(backgrounds: Programs[Background], tasks: str) -> Background:
    return backgrounds[tasks]


def expect_run(row: Row, program: Program, seen: Line, result_id: str, state: str = "SUCCESS") -> None:
    """The run's span is the child of the enqueue's, which is the child of the request's; its line says it."""
    row.expect_id(seen)
    names = [span.name for span in row.expect_trace(seen)]
    with row.aspect("also"):
        assert names[:2] == ["run default", "enqueue default"]
        [line] = program.lines.wait(event="task", task_id=result_id)
        assert (line["correlation_id"], line["state"]) == (row.identifier, state)
        assert line["queue_wait_ms"] >= 0


def expect_request(row: Row, background: Background) -> None:
    """The enqueuing request goes on as before, and leaves nothing."""
    view, after = (background.server.witness(row, place) for place in ("view", "after"))
    row.expect_id(after)
    row.expect_trace(after)
    with row.aspect("clean"):
        assert not after["changed"]
        assert after["seen_span_id"] == view["seen_span_id"]
    row.expect_clean(background.server)


@row("elsewhere", "background task, immediate backend", column="tasks")
def test_immediate(row: Row, background: Background) -> None:
    result = background.enqueue(row, "tell", "immediate").json()
    expect_run(row, background.server, background.server.witness(row, "task"), result["id"])
    expect_request(row, background)


@row("elsewhere", "background task, immediate backend, aenqueue", column="tasks")
def test_immediate_aenqueue(row: Row, background: Background) -> None:
    result = background.enqueue(row, "atell", "immediate", "aenqueue").json()
    expect_run(row, background.server, background.server.witness(row, "task"), result["id"])
    expect_request(row, background)


@row("elsewhere", "background tasks one within the other, immediate backend", column="tasks")
def test_immediate_within_immediate(row: Row, background: Background) -> None:
    background.enqueue(row, "around", "immediate")
    before, inside, behind = (background.server.witness(row, at) for at in ("before", "task", "behind"))
    for seen in (before, inside, behind):
        row.expect_id(seen)
        row.expect_trace(seen)
    with row.aspect("clean"):
        assert before["seen_span_id"] == behind["seen_span_id"]
    expect_request(row, background)


@row("elsewhere", "background task, database backend (db_worker)", column="tasks")
def test_database(row: Row, background: Background) -> None:
    result = background.enqueue(row, "tell").json()
    expect_run(row, background.worker, background.worker.witness(row, "task"), result["id"])
    row.expect_clean(background.worker)
    expect_request(row, background)
    with row.aspect("also"):
        assert (result["args"], result["kwargs"]) == ([], {"key": row.key})
        assert background.outcome(row, result["id"])["return_value"] == "task"
    with row.aspect("also"):
        page = background.metrics()
        named = [line for line in page.splitlines() if f'trace_id="{row.trace_id}"' in line]
        families = {line.partition("_bucket{")[0] for line in named}
        assert families >= {"django_task_runtime_seconds", "django_task_queue_wait_seconds"}
        assert "celery_" not in page


@row("elsewhere", "async background task, database backend, aenqueue", column="tasks")
def test_database_async(row: Row, background: Background) -> None:
    result = background.enqueue(row, "atell", how="aenqueue").json()
    expect_run(row, background.worker, background.worker.witness(row, "task"), result["id"])
    row.expect_clean(background.worker)
    expect_request(row, background)


@row("elsewhere", "background task that fails, database backend", column="tasks")
def test_database_failure(row: Row, background: Background) -> None:
    result = background.enqueue(row, "fail").json()
    seen = background.worker.witness(row, "task")
    expect_run(row, background.worker, seen, result["id"], "FAILURE")
    row.expect_clean(background.worker)
    with row.aspect("also"):
        assert row.spans.get(seen["seen_span_id"]).attributes["error.type"] == "ValueError"
        outcome = background.outcome(row, result["id"])
        assert (outcome["status"], outcome["return_value"]) == ("FAILED", None)


@row("elsewhere", "background task that enqueues another, database backend", column="tasks")
def test_database_chain(row: Row, background: Background) -> None:
    background.enqueue(row, "pass_on")
    row.expect_id(background.worker.witness(row, "first"))
    seen = background.worker.witness(row, "task")
    row.expect_id(seen)
    names = [span.name for span in row.expect_trace(seen)]
    with row.aspect("also"):
        assert names[:4] == ["run default", "enqueue default"] * 2
    row.expect_clean(background.worker, 2)


@row(
    "elsewhere", "background task, run as ever by a worker without the kit, database backend", column="tasks"
)
def test_worker_without_the_kit(row: Row, background: Background) -> None:
    result = background.enqueue(row, "tell", queue="old").json()
    expect_request(row, background)
    background.work_without_the_kit("old")
    with row.aspect("also"):
        assert background.outcome(row, result["id"]) == {
            "status": "SUCCESSFUL",
            "args_kwargs": {"args": [], "kwargs": {"key": row.key}},
            "return_value": "task",
            "exception_class_path": "",
        }
