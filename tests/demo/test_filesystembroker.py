"""The broker of files under several publishers and consumers at once: nothing is lost, all can be read."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest
from kombu import Connection, Exchange, Producer, Queue
from kombu.transport import TRANSPORT_ALIASES

from demo_services import filesystembroker

MESSAGES = 400
"""Of each publisher; kombu's own transport loses some of them, or ends a consumer, every time."""
PROCESSES = 2
SECONDS = 60
STOP = "stop"
EXCHANGES = 100
ORDERS = Queue("orders")


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    """Publishers and consumers."""
    with ProcessPoolExecutor(2 * PROCESSES, get_context("spawn")) as pool:
        yield pool


def test_every_message_is_taken_whole_and_once(tmp_path: Path, processes: ProcessPoolExecutor) -> None:
    consumers = [processes.submit(consume, tmp_path) for _ in range(PROCESSES)]
    publishers = [processes.submit(publish, tmp_path, number * MESSAGES) for number in range(PROCESSES)]
    for publisher in publishers:
        publisher.result(SECONDS)
    with connection(tmp_path) as broker:
        for _ in consumers:
            Producer(broker).publish(STOP, routing_key=ORDERS.name)
    taken = [number for consumer in consumers for number in consumer.result(SECONDS)]
    assert sorted(taken) == list(range(PROCESSES * MESSAGES))
    assert not list((tmp_path / "queue").iterdir())


def test_processes_that_start_at_once_share_their_bindings(
    tmp_path: Path, processes: ProcessPoolExecutor
) -> None:
    names = [f"queue{number}" for number in range(2 * PROCESSES)]
    for binding in [processes.submit(bind, tmp_path, name) for name in names]:
        binding.result(SECONDS)
    with connection(tmp_path) as broker:
        channel = broker.default_channel
        assert isinstance(channel, filesystembroker.Channel)
        for number in range(EXCHANGES):
            found = channel.get_table(f"exchange{number}")
            assert sorted(queue for *_, queue in found) == names


def test_threads_that_publish_at_once_find_the_binding(tmp_path: Path) -> None:
    barrier = Barrier(2, timeout=SECONDS)

    def publish_in_step() -> None:
        with connection(tmp_path) as broker:
            producer = Producer(broker)
            for number in range(EXCHANGES):
                queue = Queue(f"thread{number}", Exchange(f"thread{number}"), routing_key="")
                barrier.wait()
                producer.publish(number, exchange=queue.exchange, declare=[queue])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(2) as threads:
            for thread in [threads.submit(publish_in_step) for _ in range(2)]:
                thread.result(SECONDS)
    finally:
        sys.setswitchinterval(interval)
    assert len(list((tmp_path / "queue").iterdir())) == 2 * EXCHANGES


def connection(folder: Path) -> Connection:
    """One to the broker in this folder, whichever `filesystem://` earlier tests made kombu remember."""
    options = filesystembroker.installed(folder)
    return Connection("filesystem://", transport=TRANSPORT_ALIASES["filesystem"], transport_options=options)


def publish(folder: Path, first: int) -> None:
    """Publish this number and those after it."""
    with connection(folder) as broker:
        producer = Producer(broker)
        for number in range(first, first + MESSAGES):
            producer.publish(number, routing_key=ORDERS.name)


def consume(folder: Path) -> list[int]:
    """The numbers taken until somebody said stop."""
    deadline = time.monotonic() + SECONDS
    taken: list[int] = []
    with connection(folder) as broker:
        queue = ORDERS(broker.default_channel)
        while time.monotonic() < deadline:
            message = queue.get(no_ack=True)
            if message is None:
                continue
            if message.payload == STOP:
                return taken
            taken.append(message.payload)
    raise TimeoutError(f"nobody said stop in {SECONDS} s")


def bind(folder: Path, queue: str) -> None:
    """Bind this queue to every exchange."""
    with connection(folder) as broker:
        for number in range(EXCHANGES):
            Queue(queue, Exchange(f"exchange{number}"))(broker.default_channel).declare()
