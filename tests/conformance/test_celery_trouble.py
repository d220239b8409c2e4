"""Celery in trouble: nested eagerly, killed, revoked, out of time, unknown, not published; and beat."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from celery import Celery
from kombu import Connection

from tests.collector import Collector, Received
from tests.conformance.project.beat import POOLS
from tests.conformance.project.troublepublishing import OWN_HEADERS
from tests.conformance.project.troubletasks import VAIN
from tests.conformance.rows import Row, row
from tests.conformance.runs import expect_publish, expect_told, expect_unbound, expect_unrun, producers
from tests.conformance.services import (
    PROJECT,
    ROOT,
    WORKERS,
    Program,
    Programs,
    Worker,
    Workers,
    environment,
    start_worker,
)
from tests.conformance.telemetry import Line
from tests.processes import Process, wait_until

UNKNOWN = "nobody.knows.this"
UNRUN = {"readable": "no line of the project is logged where the task does not run"}
EAGER = {"eager": "apply", "task_always_eager": "always_eager"}
"""Rows, with the scenario of each."""

NESTED = ("{}, before", "{}: outer, before", "{}: inner", "{}: outer, after", "{}, after")

Variables = Callable[[str], dict[str, str | None]]

prefork_only = pytest.mark.parametrize("pool", [name for name in WORKERS if name.startswith("prefork")])


@pytest.fixture(scope="module")
def variables(collector: Collector, redis_url: str) -> Variables:
    """Those of a further program on a broker."""
    return lambda broker: environment(collector, BROKER_URL=broker, RESULT_URL=redis_url)


@pytest.mark.parametrize("eager", EAGER)
@row("Celery", "{eager}, nested, in a request and in a task", column="pool")
def test_eager(row: Row, workers: Workers, pool: str, eager: str) -> None:
    worker = workers[pool]
    answer = worker.publish(row, EAGER[eager])
    for program, where in ((worker.publisher, "request"), (worker, "task")):
        seen = [program.witness(row, place.format(where)) for place in NESTED]
        for each in seen:
            row.expect_id(each)
            row.expect_trace(each)
        with row.aspect("also"):
            spans = [each["seen_span_id"] for each in seen]
            assert spans[0] == spans[4] != spans[1] == spans[3] != spans[2]
        expect_restored(row, program, (None, row.identifier, row.identifier))
    with row.aspect("also"):
        assert answer.headers["X-Correlation-ID"] == row.identifier


def expect_restored(row: Row, program: Program, bound: tuple[str | None, ...]) -> None:
    """After each of the runs, and last after what they are nested in, only what was bound before is."""
    with row.aspect("clean"):
        left = wait_until(lambda: left_by(program, row, len(bound)), "what is left after the work", 10)
        assert sorted(str(line["seen"]) for line in left) == sorted(map(str, bound))
        assert left[-1]["seen"] is None
        assert [line["changed"] for line in left] == [[]] * len(bound)


def left_by(program: Program, row: Row, number: int) -> list[Line]:
    left = list(program.left(row))
    return left if len(left) >= number else []


@row("Celery", "headers that the publisher set stay", column="pool")
def test_own_headers(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "own_headers")
    seen = worker.witness(row, "task")
    row.expect_id(seen, OWN_HEADERS["X-Correlation-ID"])
    row.expect_trace(seen)
    row.expect_clean(worker)
    with row.aspect("also"):
        assert seen["headers"].items() >= OWN_HEADERS.items()


@pytest.mark.parametrize("protocol", [1, 2])
@row("Celery", "task protocol {protocol}", column="pool")
def test_protocol(row: Row, workers: Workers, pool: str, protocol: int) -> None:
    worker = workers[pool]
    worker.publish(row, f"protocol_{protocol}")
    row.expect(worker.witness(row, "task"), worker)
    row.expect_clean(worker.publisher)


@prefork_only
@row("Celery", "acks_late, its pool process killed: runs again", column="pool")
def test_pool_process_killed(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "dies_once").json()
    first, second = worker.witnesses(row, "run", 2)
    row.expect(second, worker)
    with row.aspect("also"):
        assert (first["again"], second["again"]) == (False, True)
        assert (first["seen"], first["seen_trace_id"]) == (row.identifier, row.trace_id)
        lost, done = worker.task_lines(task_id, 2)
        assert {lost["correlation_id"], done["correlation_id"]} == {row.identifier}
        assert lost["error_type"] == "billiard.exceptions.WorkerLostError"
        assert (done["state"], done["redelivered"]) == ("SUCCESS", True)


@row("Celery", "acks_late, its worker killed: another one runs it", column="pool")
def test_worker_killed(
    row: Row, workers: Workers, pool: str, brokers: Programs[str], variables: Variables
) -> None:
    worker, broker = workers[pool], brokers[pool.split(", ")[1]]
    with ExitStack() as stack:
        victim = start_worker(pool, stack, variables(broker), worker.publisher)
        task_id = victim.publish(row, "lasts_once").json()
        first = victim.witness(row, "run")
        os.killpg(victim.process.pid, signal.SIGKILL)
        victim.process.popen.wait()  # or Redis hands the message to the connection of the dying
        restore(broker)
        with consuming(worker, broker, victim.queue):
            second = worker.witness(row, "run")
            row.expect(second, worker)
    with row.aspect("also"):
        assert (first["seen"], first["seen_trace_id"]) == (row.identifier, row.trace_id)
        assert (first["again"], second["again"]) == (False, True)
        [line] = worker.task_lines(task_id)
        assert (line["state"], line["redelivered"]) == ("SUCCESS", True)


def restore(broker: str) -> None:
    """On Redis, what each worker does every ten seconds: requeues what was not acknowledged in time."""
    if broker.startswith("redis"):
        with Connection(broker, transport_options={"visibility_timeout": 0.01}) as connection:
            connection.default_channel.qos.restore_visible()  # type: ignore[attr-defined]


@contextmanager
def consuming(worker: Worker, broker: str, queue: str) -> Iterator[None]:
    """Has a worker consume a further queue."""
    with Celery(broker=broker, set_as_current=False) as app:
        here = [f"{worker.queue}@here"]
        assert app.control.add_consumer(queue, destination=here, reply=True, timeout=10)
        try:
            yield
        finally:
            assert app.control.cancel_consumer(queue, destination=here, reply=True, timeout=10)


@pytest.mark.parametrize("how", ["revoked", "expired"])
@row("Celery", "{how} before its run", column="pool", without=UNRUN)
def test_revoked(row: Row, workers: Workers, pool: str, how: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, how).json()
    expect_told(row, worker, f"Discarding revoked task: {PROJECT}.tasks.tell[{task_id}]")
    expect_publish(row, "tell")
    expect_unrun(row, worker, task_id, "REVOKED")
    expect_unbound(row, worker)
    with row.aspect("also"):
        assert worker.lines.where(key=row.key) == []


@prefork_only
@row("Celery", "revoked and terminated in its run", column="pool")
def test_terminated(row: Row, workers: Workers, pool: str, brokers: Programs[str]) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "lasts").json()
    seen = worker.witness(row, "run")
    with Celery(broker=brokers[pool.split(", ")[1]], set_as_current=False) as app:
        app.control.revoke(task_id, terminate=True)
    expect_unrun(row, worker, task_id, "REVOKED")
    row.expect_id(seen)
    row.expect_trace(seen)
    expect_unbound(row, worker)


@prefork_only
@row("Celery", "soft time limit hit", column="pool")
def test_soft_time_limit(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "softly_limited").json()
    row.expect(worker.witness(row, "run"), worker)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert line["state"] == "FAILURE"
        assert line["error_type"] == "billiard.exceptions.SoftTimeLimitExceeded"
        told = [line for line in worker.lines.all() if f"exceeded for {PROJECT}" in line["message"]]
        assert [line["correlation_id"] for line in told] == [row.identifier]


@prefork_only
@row("Celery", "time limit hit, with a link_error", column="pool")
def test_time_limit(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "limited").json()
    row.expect(worker.witness(row, "errback"), worker)
    expect_told(row, worker, f"Hard time limit (1s) exceeded for {PROJECT}.troubletasks.limited[{task_id}]")
    expect_publish(row, "limited")
    line = expect_unrun(row, worker, task_id, "FAILURE")
    expect_unbound(row, worker)
    with row.aspect("also"):
        assert worker.witness(row, "run")["seen"] == row.identifier
        assert line["error_type"] == "billiard.exceptions.TimeLimitExceeded"


@row("Celery", "not registered with the worker", column="pool", without=UNRUN)
def test_unregistered(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "unregistered").json()
    expect_told(row, worker, task_id)
    expect_publish(row, "this")
    line = expect_unrun(row, worker, task_id, "REJECTED")
    expect_unbound(row, worker)
    with row.aspect("also"):
        assert line["task"] == UNKNOWN
        told = worker.lines.where(logger="celery.worker.consumer.consumer", correlation_id=row.identifier)
        assert [(line["level"], UNKNOWN in line["message"]) for line in told] == [("ERROR", True)]


@row("Celery", "rejected by itself", column="pool")
def test_rejected(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    task_id = worker.publish(row, "rejects").json()
    row.expect(worker.witness(row, "run"), worker)
    with row.aspect("also"):
        [line] = worker.task_lines(task_id)
        assert (line["state"], line["correlation_id"]) == ("REJECTED", row.identifier)


@row("Celery", "1,000 publishes that fail", column="pool")
def test_failed_publishes(row: Row, workers: Workers, pool: str) -> None:
    worker = workers[pool]
    worker.publish(row, "publishes_in_vain")
    seen = worker.lines.wait(key=row.key, place="task", timeout=60)[0]
    row.expect(seen, worker)
    with row.aspect("also"):
        assert (seen["sent"], seen["restored"]) == (0, True)
        wait_until(lambda: len(producers(row, "hears")) == VAIN, f"{VAIN} spans", 30)
        assert {span.raw.status.code for span in producers(row, "hears")} == {2}  # STATUS_CODE_ERROR
        assert {span.parent_id for span in producers(row, "hears")} == {seen["seen_span_id"]}
    with row.aspect("span"):
        failed = producers(row, "hears")
        assert {span.attributes.get("correlation_id") for span in failed} == {row.identifier}


@pytest.fixture(scope="module")
def beats(
    brokers: Programs[str], variables: Variables, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Programs[Process]]:
    """Beat on each broker, which publishes for every pool."""

    def start(name: str, stack: ExitStack) -> Process:
        schedule: Path = tmp_path_factory.mktemp("beat") / "schedule"
        argv = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            f"{PROJECT}.beat",
            "beat",
            "--pidfile=",
            "-s",
            str(schedule),
        ]
        return stack.enter_context(Process(argv, cwd=ROOT, env=variables(brokers[name])))

    with Programs(start) as programs:
        yield programs


@row("Celery", "beat: each tick has an ID of its own, its schedule is named", column="pool")
def test_beat(
    row: Row, workers: Workers, pool: str, brokers: Programs[str], beats: Programs[Process]
) -> None:
    kind, broker = pool.split(", ")
    assert kind in POOLS
    assert beats[broker].popen.poll() is None
    row.key = f"beat, {kind}"
    worker = workers[pool]
    with consuming(worker, brokers[broker], f"beat-{kind}"):
        ticks = worker.witnesses(row, "task", 2)[:2]
    for tick in ticks:
        row.expect_id(tick, tick["seen"])
        expect_tick(row, worker, tick, f"every moment, {kind}")
    row.expect_clean(worker, 2)
    with row.aspect("readable"):
        assert ticks[0]["seen"] != ticks[1]["seen"]


def expect_tick(row: Row, worker: Worker, tick: Line, schedule: str) -> None:
    """A trace that begins with beat's publish, under the same ID, which the trace has too."""
    spans: list[Received] = []
    with row.aspect("trace"):
        spans = row.spans.path(tick["seen_span_id"])
        assert [span.name.split("/")[0] for span in spans] == ["run", "apply_async"]
    with row.aspect("span"):
        assert [span.attributes.get("correlation_id") for span in spans] == [tick["seen"]] * 2
    with row.aspect("also"):
        assert tick["seen"] == tick["seen_trace_id"]
        assert spans[0].attributes["celery.schedule"] == schedule
        [line] = worker.lines.wait(event="task", correlation_id=tick["seen"])
        assert (line["schedule"], line["task"]) == (schedule, f"{PROJECT}.tasks.tell")
