"""What strangers get to see of a service: whether it is ready, and nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from django.test import override_settings

from demo_services.ports import free_port
from django_observe import workerserver
from django_observe.vocabulary import Header
from tests.faults.guarantees import guarantee
from tests.faults.programs import PROJECT, ROOT, gunicorn, variables
from tests.faults.receivers import receiver
from tests.processes import Answer, Process, get, wait_until

TOKEN = {"Authorization": "Bearer s3cret"}
STRANGER = {"X-Forwarded-For": "203.0.113.77"}
SETTINGS = json.dumps(
    {"METRICS_TOKEN": "s3cret", "READY_CHECKS": [f"{PROJECT}.people.away"], "CELERY": False}
)


@dataclass
class Service:
    process: Process
    url: str

    def get(self, path: str, headers: dict[str, str], method: str = "GET") -> Answer:
        return get(f"{self.url}{path}", headers, method=method)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with (
        receiver("ok") as collector,
        gunicorn(collector, "-k", "gthread", FAULTS_SETTINGS=SETTINGS) as (process, url),
    ):
        yield Service(process, url)


@guarantee("guards", "Whoever comes through a proxy finds no /metrics without the token", column="service")
def test_no_proxys_client_reads_the_metrics(
    service: Service, record_property: Callable[[str, object], None]
) -> None:
    assert service.get("/metrics", {}).status == 200
    for header in Header.FORWARDING:
        assert service.get("/metrics", {header: "10.0.0.1"}).status == 404, header
        assert service.get("/metrics", {header: "10.0.0.1", **TOKEN}).status == 200, header
    for wrong in ("s3cre", "s3cret2", "", "S3CRET"):
        answer = service.get("/metrics", {**STRANGER, "Authorization": f"Bearer {wrong}"})
        assert (answer.status, answer.text) == (404, "Not Found\n")
    record_property("measured", f"{len(Header.FORWARDING)} headers")


class Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


@guarantee("guards", "A Unix socket has a proxy behind it: no /metrics without the token")
def test_a_unix_socket_opens_nothing(tmp_path: Path) -> None:
    bound = tmp_path / "web.sock"
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "-b", f"unix:{bound}"]

    def status(path: str, headers: dict[str, str]) -> int:
        with closing(Local(bound)) as connection:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status

    with (
        receiver("ok") as collector,
        Process([*argv, f"{PROJECT}.wsgi"], cwd=ROOT, env=variables(collector, FAULTS_SETTINGS=SETTINGS)),
    ):
        assert wait_until(lambda: status("/healthz", {}), "gunicorn") == 200
        assert status("/metrics", {}) == 404
        assert status("/metrics", TOKEN) == 200


@guarantee("guards", "Of /readyz strangers learn whether, and not what")
def test_strangers_learn_ready_or_not(service: Service) -> None:
    answer = service.get("/readyz", STRANGER)
    assert (answer.status, answer.json()) == (503, {"status": "failed"})
    assert service.get("/healthz", STRANGER).json() == {"status": "ok"}
    checks = service.get("/readyz", {**STRANGER, **TOKEN}).json()["checks"]
    assert "warehouse-7.internal" in checks[f"{PROJECT}.people.away"]["error"]


@guarantee("guards", "Who asks /readyz in a loop asks no dependency, and logs nothing, twice a second")
def test_a_loop_of_probes_costs_nothing(
    service: Service, record_property: Callable[[str, object], None]
) -> None:
    def warnings() -> int:
        return (service.process.stdout + service.process.stderr).count("not ready: ")

    before, started = warnings(), monotonic()
    probes = 0
    while monotonic() < started + 2:
        assert service.get("/readyz", STRANGER).status == 503
        probes += 1
    seconds = monotonic() - started
    asked = warnings() - before
    assert probes > 10
    assert 1 <= asked <= seconds + 1
    record_property("measured", f"{probes} in {seconds:.1f} s, {asked} asked")


@guarantee("guards", "GET and HEAD only, and nothing is kept by a cache")
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_they_are_only_read(service: Service, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = service.get(path, {}, method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.headers["Cache-Control"] == "no-store"
    for method in ("GET", "HEAD"):
        answer = service.get(path, {}, method)
        assert answer.status == (503 if path == "/readyz" else 200)
        assert answer.headers["Cache-Control"] == "no-store"


@guarantee("guards", "A worker's page has the same rules, and says nothing of what serves it")
def test_a_workers_page_has_the_same_rules() -> None:
    port = free_port()
    with override_settings(DJANGO_OBSERVE={"WORKER_METRICS_PORT": port, "METRICS_TOKEN": "s3cret"}):
        workerserver.start()
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            assert get(url).status == 200
            assert get(url, STRANGER).status == 404
            assert get(url, {**STRANGER, **TOKEN}).status == 200
            refused = get(url, method="POST")
        finally:
            workerserver.stop()
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert refused.headers["Cache-Control"] == "no-store"
    assert "Server" not in refused.headers
