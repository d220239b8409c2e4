"""Runs of tasks: what each is to look like from outside, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass

from tests.collector import Received
from tests.conformance.rows import Row
from tests.conformance.services import KIT, Worker
from tests.conformance.telemetry import PATIENCE, Line
from tests.processes import wait_until


@dataclass(frozen=True)
class Run:
    """What a run is to look like from outside."""

    places: tuple[str, ...]
    """Where it tells what is bound; the first names it."""
    by: tuple[str, ...] = ()
    """The runs of which one published it; none: the request did."""
    task: str = "tell"
    state: str = "SUCCESS"
    attempt: int = 1


def run(*places: str, by: str = "", task: str = "tell", state: str = "SUCCESS", attempt: int = 1) -> Run:
    return Run(places, tuple(filter(None, by.split(" or "))), task, state, attempt)


def expect_runs(row: Row, worker: Worker, runs: tuple[Run, ...], ends: int = 0) -> dict[str, Line]:
    """Every run has the ID, descends from what published it, leaves nothing behind, and is told by one line.

    `ends`: how many runs end, where some tell nothing. Answers what was seen, by place.
    """
    seen = {place: worker.witness(row, place) for run in runs for place in run.places}
    for expected in runs:
        for place in expected.places:
            row.expect_id(seen[place])
        path = row.expect_trace(seen[expected.places[0]])
        with row.aspect("trace"):
            expect_way(expected, path, seen)
        with row.aspect("span"):
            assert [
                span.name for span in path if span.attributes.get("correlation_id") != row.identifier
            ] == []
    row.expect_clean(worker, ends or len(runs))
    row.expect_clean(worker.publisher)
    if KIT == "ours":  # the other one has no such lines
        for expected in runs:
            with row.aspect("also"):
                expect_line(row, worker, expected, seen[expected.places[0]]["seen_span_id"])
    return seen


def expect_way(run: Run, path: list[Received], seen: dict[str, Line]) -> None:
    """From the run's span to that of its publish, and on to the span in which it was published."""
    assert {seen[place]["seen_span_id"] for place in run.places} == {span.span_id for span in path[:1]}
    assert [span.name.split(".")[-1] for span in path[:2]] == [run.task, run.task]
    assert [span.name.split("/")[0] for span in path[:2]] == ["run", "apply_async"]
    if run.by:
        publishers = {seen[place]["seen_span_id"] for place in run.by}
        assert [span.span_id in publishers for span in path[2:3]] == [True]
    else:
        assert len(path) == 3, [span.name for span in path]


def producers(row: Row, task: str) -> list[Received]:
    """The spans of that task's publishes in the row's trace, so far; `task` is the last part of its name."""
    spans = row.spans.of_trace(row.trace_id)
    return [
        span for span in spans if span.name.startswith("apply_async/") and span.name.split(".")[-1] == task
    ]


def expect_publish(row: Row, task: str) -> None:
    """The span of the one publish of that task has the ID, and descends from the caller's."""
    found: list[Received] = []
    with row.aspect("trace"):
        found = wait_until(lambda: producers(row, task), f"the span of publishing {task}", PATIENCE)
        path = row.spans.path(found[0].span_id, row.parent_id)
        assert (len(found), path[-1].parent_id) == (1, row.parent_id)
    with row.aspect("span"):
        assert [span.attributes.get("correlation_id") for span in found] == [row.identifier]


def expect_line(row: Row, worker: Worker, run: Run, span_id: str) -> None:
    """The task line of that run, which its span's ID finds."""
    [line] = worker.lines.wait(event="task", span_id=span_id)
    assert line["correlation_id"] == row.identifier
    assert line["trace_id"] == row.trace_id
    assert (line["task"].split(".")[-1], line["state"], line["attempt"]) == (run.task, run.state, run.attempt)


def expect_told(row: Row, worker: Worker, words: str) -> None:
    """Celery's own line on what befell a task has the ID."""

    def found() -> list[Line]:
        return [line for line in worker.lines.all() if words in line["message"]]

    with row.aspect("line"):
        told = worker.process.wait_for(found, f"a line with {words!r}", PATIENCE)
        assert [line["correlation_id"] for line in told] == [row.identifier]


def expect_unrun(row: Row, worker: Worker, task_id: str, state: str) -> Line:
    """The kit's line on a task whose run has no span: it did not run, or its process was killed."""
    line: Line = {}
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert (line["state"], line["correlation_id"]) == (state, row.identifier)
        assert line["trace_id"] == row.trace_id
        assert row.spans.get(line["span_id"]).attributes["correlation_id"] == row.identifier
    return line


def expect_unbound(row: Row, worker: Worker) -> None:
    """The worker's main process does the next task's errands under no ID."""
    with row.aspect("clean"):
        following = Row(row.spans)
        worker.publish(following, "child")
        received = worker.witness(following, "received")
        assert (received["seen"], received["correlation_id"]) == (None, None)
        assert received["seen_trace_id"] == "0" * 32
