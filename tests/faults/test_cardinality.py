"""Whatever strangers make up, the series of /metrics stay the ones there were."""

from __future__ import annotations

import base64
import http.client
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from demo_services.ports import free_port
from django_observe.collectors import MAX_LABEL_SETS
from tests.faults.guarantees import guarantee
from tests.oneline.broker import redis
from tests.processes import Process, get

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "tests.faults.project"
REQUESTS, WARM = 1_000, 100
NAMES, QUEUES = 300, MAX_LABEL_SETS + 100
GROWTH = 5_000
"""KB that a process may grow by: what allocators keep, and no series."""
WORKER_GROWTH = 32_000
"""KB that a worker may grow by, with all the series of one family that the fuse allows."""

SERVERS = {
    "gunicorn gthread": (
        *("gunicorn", "-c", "python:django_observe.gunicorn", "-k", "gthread", "--threads", "2"),
        *("--keep-alive", "60", "-b", "127.0.0.1:{port}", f"{PROJECT}.wsgi"),
    ),
    "uvicorn": ("uvicorn", "--http", "h11", "--port", "{port}", f"{PROJECT}.asgi:application"),
}


@contextmanager
def server(name: str) -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[name])]
    variables = {"DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings", "OTEL_EXPORTER_OTLP_ENDPOINT": None}
    with Process(argv, cwd=ROOT, env=variables) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"


def series(url: str) -> set[str]:
    """Name and labels of all there is on the page."""
    return {line.rpartition(" ")[0] for line in get(url).text.splitlines() if not line.startswith("#")}


def memory(pid: int) -> int:
    """Resident KB."""
    (found,) = re.findall(r"^VmRSS:\s+(\d+) kB", Path("/proc", str(pid), "status").read_text(), re.MULTILINE)
    return int(found)


def ask(url: str, numbers: range) -> list[int]:
    """The statuses of requests that nobody has made before, all answered by Django."""
    address = urlsplit(url).netloc
    connection, statuses = http.client.HTTPConnection(address, timeout=30), []
    with closing(connection):
        for number in numbers:
            connection.putrequest(f"M{number}X", f"/nowhere/{number}/{uuid4()}?q{number}=1", skip_host=True)
            connection.putheader("Host", address if number % 2 else f"host-{number}.evil.test")
            connection.putheader("User-Agent", f"agent/{number} ({uuid4()})")
            connection.putheader("X-Correlation-ID", f"stranger-{number}")
            connection.putheader("Referer", f"http://{number}.test/")
            connection.endheaders()
            answer = connection.getresponse()
            answer.read()
            assert answer.headers["X-Correlation-ID"], "the middleware had it"
            statuses.append(answer.status)
    return statuses


@guarantee(
    "cardinality",
    f"{REQUESTS:,} made-up methods, paths, hosts, user agents: series constant, less than 5 MB more",
    column="server",
)
@pytest.mark.parametrize("name", SERVERS)
def test_requests_make_no_series(name: str, record_property: Callable[[str, object], None]) -> None:
    with server(name) as url:
        pid = int(get(f"{url}/").text)
        ask(url, range(WARM))
        before, held = series(f"{url}/metrics"), memory(pid)
        assert any("django_http_requests" in each for each in before)
        statuses = ask(url, range(WARM, WARM + REQUESTS))
        assert statuses.count(400) == statuses.count(404) == REQUESTS // 2, "by Django, for the host or path"
        assert series(f"{url}/metrics") == before
        grown = memory(pid) - held
        assert grown < GROWTH
        record_property("measured", f"{len(before)} series, {max(grown, 0) / 1_000:.1f} MB more")


@contextmanager
def worker() -> Iterator[tuple[Process, str, Celery, Redis, str]]:
    """A Celery worker, its page, a publisher, the broker and the worker's queue."""
    port, queue = free_port(), f"cardinality-{free_port()}"
    argv = [sys.executable, "-m", "celery", "-A", PROJECT, "worker", "-P", "threads", "-c", "1"]
    argv += ["-Q", queue, "-n", "w@here", "--without-gossip", "--without-mingle"]
    with redis() as broker, Redis.from_url(broker) as client:
        variables = {
            "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
            "C_FORCE_ROOT": "1",
            "REDIS_URL": broker,
        }
        own = {"TASK_QUEUE": queue, "OBSERVE_WORKER_METRICS_PORT": str(port)}
        with Process(argv, cwd=ROOT, env={**variables, **own}) as process:
            publisher = Celery("publisher", broker=broker, backend=broker, set_as_current=False)
            process.wait_for_line("ready.", 60)
            yield process, f"http://127.0.0.1:{port}/metrics", publisher, client, queue


def rejected(page: str) -> list[float]:
    """The counts of messages that no task is there for."""
    return [
        float(found) for found in re.findall(r"^celery_task_rejected_total\{.*\} (\S+)$", page, re.MULTILINE)
    ]


@guarantee(
    "cardinality",
    f"{NAMES} made-up task names: series constant; {QUEUES:,} made-up queues blow the fuse: `other`, "
    "counted, less than 32 MB more",
    column="server",
)
@pytest.mark.parametrize("name", ["Celery worker"])
def test_messages_make_no_series(name: str, record_property: Callable[[str, object], None]) -> None:
    with worker() as (process, page, publisher, broker, queue):
        send(publisher, queue, 1)
        process.wait_for(lambda: sum(rejected(get(page).text)) == 1, "the first message", 60)
        before, held = series(page), memory(process.pid)
        send(publisher, queue, NAMES)
        process.wait_for(lambda: sum(rejected(get(page).text)) == 1 + NAMES, "all messages", 60)
        assert series(page) == before
        broker.lpush(queue, *(message(number) for number in range(QUEUES)))
        process.wait_for(lambda: sum(rejected(get(page).text)) == 1 + NAMES + QUEUES, "made-up queues", 60)
        text = get(page).text
        assert len(rejected(text)) == MAX_LABEL_SETS + 1
        assert re.search(r'^celery_task_rejected_total\{.*queue_name="other"\} \d', text, re.MULTILINE)
        (overflown,) = re.findall(
            r"^observe_metric_overflow_total\{.*celery_task_rejected.*\} (\S+)$", text, re.MULTILINE
        )
        assert float(overflown) == 1 + QUEUES - MAX_LABEL_SETS
        grown = memory(process.pid) - held
        assert grown < WORKER_GROWTH
        record_property("measured", f"{overflown} folded, {grown / 1_000:.1f} MB more")


def send(publisher: Celery, queue: str, number: int) -> None:
    for _ in range(number):
        publisher.send_task(f"made.up.{uuid4()}", task_id=str(uuid4()), queue=queue)


def message(number: int) -> str:
    """As kombu writes it to Redis, but for its routing key."""
    body = base64.b64encode(b"[[], {}, {}]").decode()
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": f"made.up.{number}", "id": str(uuid4()), "root_id": None},
            "properties": {
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": f"made-up-{number}"},
                "delivery_tag": str(uuid4()),
                "body_encoding": "base64",
                "priority": 0,
            },
        }
    )
