"""Real workers on a real Redis: one ID from publish to run, one report for each run, no span lost at exit."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from opentelemetry.sdk.trace import TracerProvider

from demo_services.ports import free_port
from django_observe import correlated
from tests.celeryproject.receiver import Collector, attributes
from tests.processes import Process, get, require, wait_until

ROOT = Path(__file__).parents[2]
ID = "order-4711.retry_2"
TASKS = "tests.celeryproject.tasks."
POOLS = {"prefork": ["-c", "2"], "threads": ["-c", "2"], "solo": []}


class Worker:
    """A `celery worker` under test, and an app that publishes to its queue but knows none of its tasks."""

    def __init__(self, pool: str, redis: str, collector: Collector, *more: str, queue: str = "") -> None:
        self.pool, self.collector = pool, collector
        self.metrics_port = free_port()
        queue = queue or pool
        self.publisher = Celery("publisher", broker=redis, backend=redis, set_as_current=False)
        self.publisher.conf.task_default_queue = queue
        arguments = ["-P", pool, *POOLS[pool], "-n", f"{queue}@here", "-l", "INFO", *more]
        self.process = Process(
            [sys.executable, "-m", "celery", "-A", "tests.celeryproject", "worker", *arguments],
            cwd=ROOT,
            env={
                "DJANGO_SETTINGS_MODULE": "tests.celeryproject.settings",
                "REDIS_URL": redis,
                "TASK_QUEUE": queue,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "OBSERVE_WORKER_METRICS_PORT": str(self.metrics_port),
                "C_FORCE_ROOT": "1",
            },
        )

    def signature(self, task: str, *args: Any) -> Any:
        return self.publisher.signature(TASKS + task, args=args)

    def run(self, task: str, *args: Any, **options: Any) -> Any:
        """Publishes by name and waits for the result."""
        return self.publisher.send_task(TASKS + task, args=args, **options).get(timeout=30)

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        """The log lines with those fields, so far."""
        found = [
            json.loads(line) for line in self.process.stdout.splitlines(keepends=True) if line.endswith("\n")
        ]
        return [line for line in found if all(line.get(name) == value for name, value in fields.items())]

    def task_lines(self, task_id: str, number: int = 1) -> list[dict[str, Any]]:
        """The lines of a task's runs, as soon as there are `number`."""
        expected = {"event": "task", "task_id": task_id}
        wait_until(lambda: len(self.lines(**expected)) >= number, f"{number} line(s) of {task_id}")
        return self.lines(**expected)


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    port = free_port()
    program = require("redis-server", "redis-server")
    with Process([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]) as server:
        server.wait_for_line("Ready to accept connections")
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture(scope="module")
def workers(redis: str, collector: Collector) -> Iterator[dict[str, Worker]]:
    """One of each pool, started together."""
    with ExitStack() as stack:
        started = {pool: Worker(pool, redis, collector) for pool in POOLS}
        for worker in started.values():
            stack.enter_context(worker.process)
        for worker in started.values():
            worker.process.wait_for_line("ready.")
        yield started


@pytest.fixture(params=list(POOLS))
def worker(request: pytest.FixtureRequest, workers: dict[str, Worker]) -> Worker:
    return workers[request.param]


def ids(result: list[dict[str, Any]]) -> set[str]:
    return {each["correlation_id"] for each in result}


def test_delay_carries_the_id(worker: Worker) -> None:
    @worker.publisher.task(name=f"{TASKS}remember", shared=False)
    def remember() -> None:
        raise NotImplementedError

    with correlated(ID):
        sent = remember.delay()
    assert ids(sent.get(timeout=30)) == {ID}
    [line] = worker.task_lines(sent.id)
    assert line["correlation_id"] == ID
    assert (line["task"], line["queue"], line["state"]) == (f"{TASKS}remember", worker.pool, "SUCCESS")
    assert (line["attempt"], line["db_count"], line["http_count"]) == (1, 1, 0)
    assert 0 < line["duration_ms"] < 10_000
    assert 0 <= line["queue_wait_ms"] < 10_000
    assert worker.lines(logger="shop", correlation_id=ID)[0]["message"] == "remembering"


def test_the_trace_goes_on_from_the_publisher_to_the_run(worker: Worker) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with correlated(ID), tracer.start_as_current_span("request") as span:
        [seen] = worker.run("by_class")
    assert seen["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    mine = span.get_span_context().trace_id.to_bytes(16, "big")

    def runs() -> list[Any]:
        return [each for each in worker.collector.spans(f"run/{TASKS}by_class") if each.trace_id == mine]

    [run] = wait_until(runs, "the run's span")
    assert run.parent_span_id == span.get_span_context().span_id.to_bytes(8, "big")
    assert attributes(run)["correlation_id"] == ID


def test_retries_keep_the_id_and_their_headers_do_not_grow(worker: Worker) -> None:
    with correlated(ID):
        sent = worker.publisher.send_task(f"{TASKS}again", args=[[]], headers={"X-Shop": "basel"})
    attempts = sent.get(timeout=30)
    assert ids(attempts) == {ID}
    assert [each["headers"]["X-Shop"] for each in attempts] == ["basel"] * 3
    assert len({each["trace_id"] for each in attempts}) == 1
    sizes = [each["header_size"] for each in attempts[1:]]
    assert len(attempts) == 3
    assert sizes[0] == sizes[1]
    lines = worker.task_lines(sent.id, 3)
    told = sorted((line["attempt"], line["state"]) for line in lines)
    assert told == [(1, "RETRY"), (2, "RETRY"), (3, "SUCCESS")]
    assert all("error_type" not in line for line in lines)


@pytest.mark.parametrize(
    ("canvas", "number"),
    [
        (lambda s: chain(s("remember"), s("remember"), s("remember")), 3),
        (lambda s: group(s("remember"), s("remember")), 2),
        (lambda s: chord([s("remember"), s("remember")], s("gather")), 3),
    ],
    ids=["chain", "group", "chord"],
)
def test_canvas_keeps_the_id(worker: Worker, canvas: Callable[[Any], Any], number: int) -> None:
    with correlated(ID):
        result = canvas(worker.signature).apply_async().get(timeout=30)
    runs = [run for each in result for run in (each if isinstance(each, list) else [each])]
    assert (len(runs), ids(runs)) == (number, {ID})


def test_a_failure_is_told_once_with_its_error(worker: Worker) -> None:
    with correlated(ID), pytest.raises(ValueError, match="no such order"):
        worker.run("fail", task_id=f"fail-{worker.pool}")
    [line] = worker.task_lines(f"fail-{worker.pool}")
    assert (line["state"], line["level"], line["correlation_id"]) == ("FAILURE", "ERROR", ID)
    assert (line["error_type"], line["error_message"]) == ("ValueError", "no such order")
    assert "in fail" in line["stack"]


@pytest.mark.parametrize(("task", "state"), [("ignore", "IGNORED"), ("reject", "REJECTED")])
def test_ignore_and_reject_are_no_failures(worker: Worker, task: str, state: str) -> None:
    sent = worker.publisher.send_task(TASKS + task, ignore_result=True)
    [line] = worker.task_lines(sent.id)
    assert line["state"] == state
    assert "error_type" not in line


def test_headers_that_the_publisher_set_stay(worker: Worker) -> None:
    own = {"X-Correlation-ID": "the-publishers-own", "X-Shop": "basel"}
    with correlated(ID):
        [seen] = worker.run("remember", headers=own)
    assert seen["correlation_id"] == "the-publishers-own"
    assert seen["headers"].items() >= own.items()
    assert "x-correlation-id" not in seen["headers"]


def test_a_publish_outside_of_any_request_has_an_id_of_its_own(worker: Worker) -> None:
    [first], [second] = worker.run("remember"), worker.run("remember")
    assert first["correlation_id"] != second["correlation_id"]
    assert first["headers"]["x-correlation-id"] == first["correlation_id"]


def test_a_message_without_our_headers_gets_the_id_of_its_trace(worker: Worker) -> None:
    body = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    with worker.publisher.connection_for_write() as connection:
        queue = worker.publisher.amqp.queues[worker.pool]
        connection.Producer().publish(
            body,
            routing_key=worker.pool,
            declare=[queue],
            serializer="json",
            headers={"task": f"{TASKS}remember", "id": f"foreign-{worker.pool}", "lang": "py"},
            reply_to="",
            correlation_id="foreign",
        )
    [line] = worker.task_lines(f"foreign-{worker.pool}")
    assert line["correlation_id"] == line["trace_id"]
    assert "queue_wait_ms" not in line


def test_protocol_1_carries_all_of_it(worker: Worker, redis: str) -> None:
    old = Celery("old", broker=redis, backend=redis, set_as_current=False)
    old.conf.update(task_protocol=1, task_default_queue=worker.pool)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with correlated(ID), tracer.start_as_current_span("request") as span:
        sent = old.send_task(f"{TASKS}again", args=[[]])
    attempts = sent.get(timeout=30)
    assert ids(attempts) == {ID}
    assert {each["trace_id"] for each in attempts} == {f"{span.get_span_context().trace_id:032x}"}
    assert "queue_wait_ms" in worker.task_lines(sent.id, 3)[0]


def test_a_countdown_is_not_counted_as_waiting(worker: Worker) -> None:
    sent = worker.publisher.send_task(f"{TASKS}quick", countdown=2)
    [line] = worker.task_lines(sent.id)
    assert line["queue_wait_ms"] < 1_900


@pytest.mark.parametrize(
    ("task", "error", "name"),
    [
        ("never_ends", TimeLimitExceeded, "billiard.exceptions.TimeLimitExceeded"),
        ("leave", WorkerLostError, "SystemExit"),
    ],
)
def test_a_run_killed_with_its_process_is_told_by_the_parent(
    workers: dict[str, Worker], task: str, error: type[Exception], name: str
) -> None:
    worker = workers["prefork"]
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with correlated(ID), tracer.start_as_current_span("request") as span, pytest.raises(error):
        worker.run(task, task_id=f"killed-{task}")
    [line] = worker.task_lines(f"killed-{task}")
    assert (line["state"], line["correlation_id"]) == ("FAILURE", ID)
    assert line["error_type"] == name
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "queue_wait_ms" in line


def test_the_worker_serves_the_metrics_of_its_pool(workers: dict[str, Worker]) -> None:
    worker = workers["prefork"]

    def counted() -> dict[str, float]:
        page = get(f"http://127.0.0.1:{worker.metrics_port}/metrics").text
        totals: dict[str, float] = defaultdict(float)
        for name, labels, value in re.findall(r"^(celery_\w+){(.*)} (\S+)$", page, re.MULTILINE):
            totals[name] += float(value) if 'name="other"' in labels or "quick" in labels else 0
        return totals

    before = counted()
    for _ in range(4):
        worker.run("quick")
    worker.publisher.send_task("nobody.knows.this", ignore_result=True)
    expected = dict.fromkeys(("received", "started", "succeeded"), 4) | {"rejected": 1}
    names = {f"celery_task_{name}_total": number for name, number in expected.items()}
    names["celery_task_queue_wait_time_count"] = 4
    wait_until(lambda: {name: counted()[name] - before[name] for name in names} == names, str(names))


def test_every_line_of_a_worker_is_json_and_every_run_is_told_once(worker: Worker) -> None:
    assert len(worker.lines()) > 5
    runs = Counter((line["task_id"], line.get("attempt")) for line in worker.lines(event="task"))
    assert {run: times for run, times in runs.items() if times > 1} == {}


def test_a_workers_traffic_with_its_broker_makes_no_traces(collector: Collector) -> None:
    roots = {span.name.split("/")[0] for span in collector.spans() if not span.parent_span_id}
    assert roots == {"run"}
