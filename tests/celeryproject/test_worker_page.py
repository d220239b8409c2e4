"""What a worker's page says of the worker itself and of its queues, on real brokers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families as parse

from demo_services.ports import free_port
from tests.demo.servers import rabbitmq
from tests.processes import Process, get, require, wait_until

ROOT = Path(__file__).parents[2]
NAP = "tests.celeryproject.tasks.nap"
Values = dict[str, float]


class Worker:
    """A worker of two queues, `fast` and `slow`, and who publishes to them."""

    def __init__(self, broker: str, *arguments: str, **variables: str) -> None:
        self.port = free_port()
        self.publisher = Celery("publisher", broker=broker, set_as_current=False)
        self.process = Process(
            [
                *(sys.executable, "-m", "celery", "-A", "tests.celeryproject", "worker", "-n", "w@here"),
                *("-Q", "fast,slow", "-l", "INFO", "--prefetch-multiplier", "1", *arguments),
            ],
            cwd=ROOT,
            env={
                "DJANGO_SETTINGS_MODULE": "tests.celeryproject.settings",
                "REDIS_URL": broker,
                "OBSERVE_WORKER_METRICS_PORT": str(self.port),
                "C_FORCE_ROOT": "1",
                **variables,
            },
        )

    def publish(self, queue: str, times: int) -> None:
        for _ in range(times):
            self.publisher.send_task(NAP, queue=queue, ignore_result=True)

    def page(self) -> dict[str, Values]:
        """The samples without a family's other labels: by name, then by queue or host."""
        found: dict[str, Values] = {}
        for family in parse(get(f"http://127.0.0.1:{self.port}/metrics").text):
            for sample in family.samples:
                if {"queue_name", "hostname"} & sample.labels.keys() and "name" not in sample.labels:
                    (value,) = sample.labels.values()
                    found.setdefault(sample.name, {})[value] = sample.value
        return found

    def shows(self, name: str, values: Values) -> None:
        wait_until(lambda: self.page().get(name) == values, f"{name} to be {values}")


def lengths(channel: Any) -> Values:
    """Of the queues on Redis now; the worker may still be taking what it reserves."""
    return {queue: channel.client.llen(queue) for queue in ("fast", "slow")}


@contextmanager
def redis() -> Iterator[tuple[Process, str]]:
    port = free_port()
    program = require("redis-server", "redis-server")
    with Process([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]) as server:
        server.wait_for_line("Ready to accept connections")
        yield server, f"redis://127.0.0.1:{port}/0"


@pytest.mark.parametrize(
    ("pool", "processes", "active"),
    [(("-P", "prefork", "-c", "2"), 2, 2), (("-P", "threads", "-c", "3"), 3, 3), (("-P", "solo"), 1, 1)],
    ids=["prefork", "threads", "solo"],
)
def test_a_worker_tells_what_it_is_and_what_waits(pool: tuple[str, ...], processes: int, active: int) -> None:
    with redis() as (_, broker):
        worker = Worker(broker, *pool)
        worker.publish("slow", 10)
        worker.publish("fast", 1)
        with worker.process, worker.publisher.connection_for_read() as connection:
            worker.process.wait_for_line("ready.")
            worker.shows("celery_worker_up", {"w@here": 1})
            worker.shows("celery_worker_tasks_active", {"w@here": active})
            both = dict.fromkeys(("fast", "slow"), 1.0)
            page = worker.page()
            assert page["celery_active_consumer_count"] == both
            assert page["celery_active_worker_count"] == both
            assert page["celery_active_process_count"] == dict.fromkeys(both, processes)
            channel: Any = connection.default_channel
            for published in (0, 5):
                worker.publish("slow", published)
                wait_until(
                    lambda: worker.page().get("celery_queue_length") == lengths(channel), "what waits, told"
                )
            assert lengths(channel)["slow"] >= 5
            os.killpg(worker.process.pid, signal.SIGKILL)


def test_a_broker_that_is_gone_or_hangs_costs_its_queues_lengths_only() -> None:
    with redis() as (server, broker):
        worker = Worker(broker, "-P", "threads", "-c", "1")
        with worker.process:
            worker.process.wait_for_line("ready.")
            worker.shows("celery_queue_length", {"fast": 0, "slow": 0})
            os.kill(server.pid, signal.SIGSTOP)
            try:
                wait_until(lambda: "celery_queue_length" not in quickly(worker), "no length while it hangs")
            finally:
                os.kill(server.pid, signal.SIGCONT)
            worker.shows("celery_queue_length", {"fast": 0, "slow": 0})
            server.stop()
            wait_until(lambda: "celery_queue_length" not in quickly(worker), "no length without a broker")
            assert quickly(worker)["celery_worker_up"] == {"w@here": 1}


def quickly(worker: Worker) -> dict[str, Values]:
    """The page, which no broker may delay by more than a moment."""
    started = time.monotonic()
    page = worker.page()
    assert time.monotonic() - started < 4  # the deadline is 1; this machine may be busy
    return page


def test_a_folder_as_broker_has_lengths_too(tmp_path: Path) -> None:
    options = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out", "control_folder")}
    worker = Worker("filesystem://", "-P", "solo", BROKER_FOLDER=str(tmp_path))
    worker.publisher.conf.broker_transport_options = options
    worker.publish("slow", 4)
    with worker.process:
        worker.process.wait_for_line("ready.")
        worker.shows("celery_worker_tasks_active", {"w@here": 1})
        left = len(list(tmp_path.glob("*slow.msg")))
        assert left > 0
        worker.shows("celery_queue_length", {"fast": 0, "slow": left})
        os.killpg(worker.process.pid, signal.SIGKILL)


def test_rabbitmq_is_asked_without_declaring_anything() -> None:
    with rabbitmq() as broker:
        worker = Worker(broker, "-P", "solo")
        worker.publish("slow", 6)
        with worker.process, worker.publisher.connection_for_read() as connection:
            worker.process.wait_for_line("ready.")
            worker.shows("celery_worker_tasks_active", {"w@here": 1})

            channel: Any = connection.default_channel
            waiting = channel.queue_declare("slow", passive=True).message_count
            assert waiting > 0
            worker.shows("celery_queue_length", {"fast": 0, "slow": waiting})
            os.killpg(worker.process.pid, signal.SIGKILL)
