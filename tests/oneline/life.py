"""The life of a server from its start to its end, and all that was seen of it."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo_services.ports import free_port
from tests.collector import Collector
from tests.faults.endings import seconds_to_end
from tests.oneline.environments import Environment
from tests.oneline.otherservers import Server
from tests.oneline.output import json_lines
from tests.oneline.service import ABSENT, Service
from tests.processes import Answer, Process, wait_until

HOME = "django_http_requests_total_by_view_transport_method_total"
LATE = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
"""No span leaves before a process ends."""

ASKED = {
    "200": ("/", "localhost"),
    "404": ("/nowhere/", "localhost"),
    "500": ("/broken/", "localhost"),
    "DisallowedHost": ("/", "evil.test"),
    "stream": ("/stream/5/", "localhost"),
}
CONTINUED = {
    "X_Correlation_ID": "from-the-gateway",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
"""What a gateway sends along."""
LEFT = "left-in-mid-stream"
"""The ID of a request whose client leaves."""


@dataclass
class Life:
    """What was seen."""

    server: Server
    answers: dict[str, Answer] = field(default_factory=dict)
    ready: Answer = field(init=False)
    openmetrics: Answer = field(init=False)
    """/metrics as Prometheus asks for it, before a reload."""
    counted: list[tuple[float, float]] = field(default_factory=list)
    """Requests of the start page as they were made and as /metrics told them, at several times."""
    incomplete: float = -1.0
    workers: list[set[int]] = field(default_factory=list)
    """The processes that served, before and after a reload."""
    delivered: set[str] = field(default_factory=set)
    """The IDs of the spans that arrived."""
    traces: set[str] = field(default_factory=set)
    """And their traces'."""
    status: int | None = None
    seconds: float = -1.0
    """From SIGTERM to the end."""
    output: str = ""
    stderr: str = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return json_lines(self.output, self.server.notice)

    def identifier(self, asked: str) -> str:
        [identifier] = self.answers[asked].headers.get_all("X-Correlation-ID", [])
        return str(identifier)


@contextmanager
def started(
    server: Server, environment: Environment, project: Path, collector: Collector, **variables: str
) -> Iterator[Service]:
    """The server, with its spans kept until processes end."""
    port = free_port()
    metrics = project.parent / "metrics"
    env = {**ABSENT, **collector.environment, **LATE, "OBSERVE_METRICS_DIR": str(metrics), **variables}
    with Process(server.command(environment, port), cwd=project, env=env) as process:
        service = Service(process, f"http://127.0.0.1:{port}")
        process.wait_for_http(f"{service.url}/healthz")
        yield service


def lived(server: Server, environment: Environment, project: Path) -> Life:
    """Starts it, asks it, has it reload where it can, and ends it: the collector hangs then.

    Where it cannot reload, its one end has to deliver, and the collector is well.
    """
    life = Life(server)
    with Collector() as collector, started(server, environment, project, collector) as service:
        for name, (path, host) in ASKED.items():
            life.answers[name] = service.get(path, Host=host)
        life.answers["no Host"] = hostless(service)
        life.answers["continued"] = service.get("/", **CONTINUED)
        life.ready = service.get("/readyz")
        leave(service)
        wait_until(lambda: f'"{LEFT}"' in printed(service, server), "the line of who left")
        count(life, service)
        life.openmetrics = service.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        if server.reload is not None:
            reload(life, service, project)
            wait_until(lambda: life.identifier("200") in ids(collector), "what ended workers had queued")
            wait_until(lambda: life.identifier("404") in ids(collector), "what ended workers had queued")
            count(life, service)
            collector.mode = "hang"
        life.seconds = seconds_to_end(service.process)
        life.status = service.process.popen.returncode
        life.delivered = ids(collector)
        life.traces = {span.trace_id for span in collector.spans()}
        life.output, life.stderr = printed(service, server), service.process.stderr
    return life


def printed(service: Service, server: Server) -> str:
    """Where the project's lines are."""
    return service.process.stderr if server.stream == "stderr" else service.process.stdout


def ids(collector: Collector) -> set[str]:
    return {str(span.attributes.get("correlation_id")) for span in collector.spans()}


def hostless(service: Service) -> Answer:
    """What a client of HTTP/1.0 gets, as many probes are."""
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response.status, response.headers, response.read())


def leave(service: Service) -> None:
    """A client that takes the beginning of an answer and goes."""
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"GET /stream/50/ HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: {LEFT}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(64)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def count(life: Life, service: Service) -> None:
    """Asks for the start page by several clients, until each worker has served, and reads /metrics."""
    made = life.counted[-1][0] if life.counted else 0.0
    before = 0.0 if life.counted else service.sample(HOME, view="home")
    processes: set[int] = set()
    deadline = time.monotonic() + 30
    while len(processes) < life.server.workers and time.monotonic() < deadline:
        service.get("/")
        made += 1
        processes.add(service.get("/state/").json()["process"])
    life.workers.append(processes)
    told = [service.sample(HOME, view="home") for _ in range(3)]
    life.counted += [(made + before, each) for each in told]
    life.incomplete = service.sample("observe_scrape_incomplete")


def reload(life: Life, service: Service, project: Path) -> None:
    """Has the workers replaced, and waits until none of the old ones is left."""
    way = life.server.reload
    if isinstance(way, str):
        wait_until(lambda: is_noticed(project / way, service), "uWSGI's word")
    elif way is not None:
        os.kill(service.process.pid, way)
    for pid in life.workers[-1]:
        wait_until(lambda: not alive(pid), "the old workers' end")  # noqa: B023 - it is waited for here
    service.process.wait_for_http(f"{service.url}/healthz")


def is_noticed(touched: Path, service: Service) -> bool:
    """Whether uWSGI says so. If not, touches it again: its first look is after its start, in seconds."""
    noticed = "has been touched" in service.process.stderr
    if not noticed:
        touched.touch()
    return noticed


def alive(pid: int) -> bool:
    """Whether a process is there, and not only its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
