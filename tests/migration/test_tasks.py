"""What other kits do in a Celery worker, and ours beside it: each task is told and traced once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migration.conftest import Serve
from tests.migration.service import names, parsed
from tests.processes import Process


@pytest.mark.parametrize("worker", ["structlog"], indirect=True)
def test_django_structlog_alone_tells_of_a_task(serve: Serve, worker: Process, tmp_path: Path) -> None:
    identifiers = [
        serve("structlog", BROKER_FOLDER=str(tmp_path)).get(f"/orders/{number}/").headers["X-Correlation-ID"]
        for number in (4, 5)
    ]

    def told() -> list[list[str]]:
        lines = parsed(worker.stderr.splitlines())  # what the kit's own handler writes
        of_each = [[line for line in lines if line.get("request_id") == each] for each in identifiers]
        return [[line["event"] for line in lines] for lines in of_each] if of_each[1][2:] else []

    assert worker.wait_for(told, "lines of both tasks", 20) == [
        ["task_started", f"bill {number}", "task_succeeded"] for number in (4, 5)
    ]
    assert [line for line in parsed(worker.stdout.splitlines()) if line.get("event") == "task"] == []


@pytest.mark.parametrize("worker", ["opentelemetry"], indirect=True)
def test_a_task_is_traced_once_beside_an_instrumentation_of_the_projects_own(
    serve: Serve, worker: Process, tmp_path: Path
) -> None:
    service = serve("opentelemetry", BROKER_FOLDER=str(tmp_path))
    for number in (4, 5):
        identifier = service.get(f"/orders/{number}/").headers["X-Correlation-ID"]
        spans = service.spans(identifier, 5)
        counts = names(spans)
        assert (counts["apply_async/shop.bill"], counts["run/shop.bill"], len(spans)) == (1, 1, 5)
        [publish], [run] = (
            [span for span in spans if span.name == f"{kind}/shop.bill"] for kind in ("apply_async", "run")
        )
        assert run.parent_id == publish.span_id
        assert run.attributes["correlation_id"] == identifier
