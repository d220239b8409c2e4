"""However a process lives and ends: spans and log records delivered == work done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from celery import Celery

from demo_services.ports import free_port
from django_observe.ledger import DropReason
from tests.collector import Collector
from tests.faults.guarantees import guarantee
from tests.faults.programs import LATE, PROJECT, ROOT, gunicorn, lines, variables
from tests.faults.project.children import WORK
from tests.faults.receivers import receiver
from tests.faults.test_ledger import books
from tests.oneline.broker import redis as redis_server
from tests.processes import WARM_SHUTDOWN_SECONDS, Process, get, wait_until

Record = Callable[[str, object], None]
POOLS = {"Celery prefork": "prefork", "Celery threads": "threads"}
REQUESTS = 12


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server() as url:
        yield url


class Worker:
    """A Celery worker that delivers nothing before its processes end."""

    def __init__(self, pool: str, redis: str, collector: Collector, *more: str) -> None:
        self.queue, self.port = f"life-{free_port()}", free_port()
        self.publisher = Celery("publisher", broker=redis, backend=redis, set_as_current=False)
        self.publisher.conf.task_default_queue = self.queue
        argv = [sys.executable, "-m", "celery", "-A", PROJECT, "worker", "-P", pool, "-c", "2", "-l", "INFO"]
        argv += ["-Q", self.queue, "-n", f"{self.queue}@here", *more]
        own = {"REDIS_URL": redis, "TASK_QUEUE": self.queue, "OBSERVE_WORKER_METRICS_PORT": str(self.port)}
        self.process = Process(argv, cwd=ROOT, env=variables(collector, **LATE, **own))

    def publish(self, tasks: int, seconds: float = 0) -> None:
        for number in range(tasks):
            self.publisher.send_task(f"{PROJECT}.tasks.work", (seconds, number))

    def done(self) -> list[str]:
        """What tasks have said they did."""
        return sorted(line["message"] for line in lines(self.process, logger="faults"))

    def is_at(self, tasks: int) -> bool:
        """Whether so many tasks run."""
        page = get(f"http://127.0.0.1:{self.port}/metrics").text
        return f'celery_worker_tasks_active{{hostname="{self.queue}@here"}} {tasks}.0\n' in page

    def end(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)
        assert self.process.popen.wait(WARM_SHUTDOWN_SECONDS) == 0


def delivered(collector: Collector, span: str) -> tuple[int, list[str], int]:
    """Spans of that name, what the work logged by itself, and the lines on tasks and requests."""
    logs = collector.logs()
    return (
        len([each for each in collector.spans() if each.name == span]),
        sorted(each.body for each in logs if each.attributes.get("logger") == "faults"),
        len([each for each in logs if each.attributes.get("event") in ("task", "request")]),
    )


RUN = f"run/{PROJECT}.tasks.work"


def ratio(collector: Collector, span: str, done: int) -> str:
    """The cell: spans, then log records."""
    spans, logs, _ = delivered(collector, span)
    return f"{spans}/{done} and {len(logs)}/{done}"


@guarantee("life", "{program} is told to end after 20 tasks: spans and log records that arrive")
@pytest.mark.parametrize("program", POOLS)
def test_a_worker_that_is_told_to_end(program: str, redis: str, record_property: Record) -> None:
    with receiver("ok") as collector:
        worker = Worker(POOLS[program], redis, collector)
        with worker.process, worker.publisher:
            worker.publish(20)
            worker.process.wait_for(lambda: len(worker.done()) == 20, "20 tasks to be done")
            assert delivered(collector, RUN)[0] == 0
            worker.end()
            record_property("measured", ratio(collector, RUN, 20))
            assert delivered(collector, RUN) == (20, worker.done(), 20)


@guarantee("life", "{program} is told to end while two tasks run: they end, and arrive")
@pytest.mark.parametrize("program", POOLS)
def test_a_warm_shutdown(program: str, redis: str, record_property: Record) -> None:
    with receiver("ok") as collector:
        worker = Worker(POOLS[program], redis, collector)
        with worker.process, worker.publisher:
            worker.process.wait_for_line("ready.")
            worker.publish(4, seconds=1.5)
            worker.process.wait_for(lambda: worker.is_at(2), "two tasks to run")
            before = len(worker.done())
            worker.end()
            done = worker.done()
            assert len(done) > before
            record_property("measured", ratio(collector, RUN, len(done)))
            assert delivered(collector, RUN) == (len(done), done, len(done))


@guarantee("life", "Celery prefork, max_tasks_per_child=1, 10 tasks: what arrives while the worker goes on")
def test_recycled_children(redis: str, record_property: Record) -> None:
    with receiver("ok") as collector:
        worker = Worker("prefork", redis, collector, "--max-tasks-per-child", "1", "-c", "5")
        with worker.process, worker.publisher:
            worker.publish(10)
            worker.process.wait_for(lambda: len(worker.done()) == 10, "10 tasks to be done")
            wait_until(lambda: delivered(collector, RUN) == (10, worker.done(), 10), "10 of 10")
            assert "ended without delivering" not in worker.process.stderr
            record_property("measured", ratio(collector, RUN, 10))


@guarantee(
    "life", "Celery prefork, max_tasks_per_child=1, a receiver that hangs: spans that are counted as lost"
)
def test_recycled_children_of_a_hanging_receiver(redis: str, record_property: Record) -> None:
    with receiver("hang") as collector:
        worker = Worker("prefork", redis, collector, "--max-tasks-per-child", "1", "-c", "3")
        with worker.process, worker.publisher:
            worker.publish(3)

            def lost() -> int:
                spans = books(f"http://127.0.0.1:{worker.port}")["traces"]
                return spans.accepted if spans.accepted == spans.dropped[DropReason.SHUTDOWN] else 0

            worker.process.wait_for(lambda: lost() >= 3, "the spans of three tasks to be counted")
            record_property("measured", f"{lost()} of {lost()}")


@guarantee("life", "A soft time limit that strikes within a log call reaches the task")
def test_a_soft_time_limit(redis: str) -> None:
    with receiver("ok") as collector:
        worker = Worker("prefork", redis, collector)
        with worker.process, worker.publisher:
            result = worker.publisher.send_task(f"{PROJECT}.tasks.log_unhurriedly")
            assert result.get(timeout=30) == "in time"


THREADS = ("--worker-class", "gthread", "--threads", "2")
LIVES = {
    "max_requests and --preload": ("--workers", "2", "--max-requests", "5", "--preload", *THREADS),
    "HUP": ("--workers", "2"),
}


@guarantee("life", "gunicorn, {program}: spans and log records of 12 requests")
@pytest.mark.parametrize("program", LIVES)
def test_workers_that_come_and_go(program: str, record_property: Record) -> None:
    with receiver("ok") as collector, gunicorn(collector, *LIVES[program], **LATE) as (process, url):
        for number in range(REQUESTS):
            if number == REQUESTS // 2 and program == "HUP":
                reload(process)
            assert get(f"{url}/log/?message=asked-{number}").status == 200
        assert process.stop() == 0
        record_property("measured", ratio(collector, "GET log/", REQUESTS))
        asked = sorted(f"asked-{number}" for number in range(REQUESTS))
        assert delivered(collector, "GET log/") == (REQUESTS, asked, REQUESTS)
        assert "ended without delivering" not in process.stderr


def reload(process: Process) -> None:
    os.kill(process.pid, signal.SIGHUP)
    process.wait_for(lambda: process.stderr.count("Worker exiting") == 2, "the old workers to be gone")


@guarantee("life", "Children of multiprocessing, {way} by {start}: what they did arrives")
@pytest.mark.parametrize(
    ("way", "start"),
    [
        ("Process", "fork"),
        ("Process", "forkserver"),
        ("Pool", "fork"),
        ("ProcessPoolExecutor", "spawn"),
    ],
)
def test_children_of_multiprocessing(way: str, start: str, record_property: Record) -> None:
    with receiver("ok") as collector:
        argv = [sys.executable, "-m", f"{PROJECT}.children", way, start]
        with Process(argv, cwd=ROOT, env=variables(collector, **LATE)) as process:
            assert process.popen.wait(40) == 0
        record_property("measured", ratio(collector, "work", WORK))
        assert delivered(collector, "work")[:2] == (WORK, sorted(f"worked {each}" for each in range(WORK)))


@guarantee("life", "A child that is forked in mid-export delivers what it did, and nothing of its parent's")
def test_a_fork_in_mid_export() -> None:
    with receiver("hang") as hanging, receiver("ok") as good:
        script = f"""
import logging, os, time
import django
django.setup()
from opentelemetry import trace
from django_observe import export

def work(number):
    with trace.get_tracer("faults").start_as_current_span("work"):
        logging.getLogger("faults").info("worked %d", number)

work(0)
print("begun", flush=True)
input()
pid = os.fork()
if pid == 0:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "{good.url}"
    work(1)
    os._exit(0 if export.shutdown(3) else 1)
status = os.waitpid(pid, 0)[1]
export.shutdown(0.1)
os._exit(os.waitstatus_to_exitcode(status))
"""
        child = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, **{name: value for name, value in variables(hanging).items() if value}},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        hanging.wait_for(lambda: hanging.attempts == 2, "both exports to hang")
        child.communicate(b"\n", timeout=30)
        assert child.returncode == 0
        assert delivered(good, "work")[:2] == (1, ["worked 1"])
        assert Counter(path for path, _, _ in good.requests) == {"/v1/traces": 1, "/v1/logs": 1}
