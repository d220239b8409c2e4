"""Real gunicorn with our configuration: several workers, one set of numbers, whatever happens."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import stat
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from demo_services.ports import free_port
from django_observe import archive
from tests.processes import Process, get, wait_until

ROOT = Path(__file__).parent.parent
CONFIG = ["-c", "python:django_observe.gunicorn"]
REQUESTS = "django_http_requests_total_by_view_transport_method_total"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
MAX_REQUESTS = 25
TOLD = "django_observe: multiprocess_file: "
FILES = {
    "shop/__init__.py": "",
    "shop/settings.py": """
        SECRET_KEY = "only for tests"
        ALLOWED_HOSTS = ["*"]
        ROOT_URLCONF = "shop.urls"
        INSTALLED_APPS = ["django_observe"]
    """,
    "shop/urls.py": """
        from django.http import HttpResponse
        from django.urls import path

        urlpatterns = [path("page/", lambda request: HttpResponse("page"), name="page")]
    """,
    "shop/wsgi.py": """
        import os

        from django.core.wsgi import get_wsgi_application

        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        application = get_wsgi_application()
    """,
    "own.py": """
        from django_observe.gunicorn import *
        from django_observe.gunicorn import child_exit as keep_totals

        workers = 2


        def child_exit(server, worker):
            keep_totals(server, worker)
            server.log.info("my own hook ran")
    """,
}


@dataclass(frozen=True)
class Shop:
    """A running gunicorn, and the folder its shared directories are made in."""

    process: Process
    url: str
    metrics: Path

    def visit(self, times: int) -> None:
        """Asks for the page, by several clients at once; each must be answered."""
        with ThreadPoolExecutor(4) as clients:
            answers = clients.map(lambda _: get(f"{self.url}/page/").status, range(times))
        assert set(answers) == {200}

    def counted(self) -> float:
        """How often all workers together say that the page was asked for."""
        page = get(f"{self.url}/metrics").text
        samples = (sample for family in parse_text(page) for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == REQUESTS)

    def directory(self) -> Path:
        """The one directory that exists."""
        (found,) = self.metrics.iterdir()
        return found

    def lines(self) -> list[str]:
        return (self.process.stdout + self.process.stderr).splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gunicorn")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    return folder


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes every OTLP request, so that traces are on and nobody waits."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def otlp() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def gunicorn(project: Path, metrics: Path, *arguments: str, **variables: str) -> Iterator[Shop]:
    url = f"127.0.0.1:{free_port()}"
    metrics.mkdir()
    given = {"PYTHONPATH": str(ROOT), "OBSERVE_METRICS_DIR": str(metrics), "DJANGO_SETTINGS_MODULE": ""}
    argv: list[str | Path] = [
        Path(sys.executable).with_name("gunicorn"),
        "shop.wsgi",
        "--bind",
        url,
        *arguments,
    ]
    with Process(argv, cwd=project, env={**given, **variables}) as process:
        process.wait_for_http(f"http://{url}/healthz")
        yield Shop(process, f"http://{url}", metrics)


@pytest.fixture(scope="module")
def shop(project: Path, otlp: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Four workers, each replaced after MAX_REQUESTS requests."""
    metrics = tmp_path_factory.mktemp("shared") / "metrics"
    workers = ("--workers", "4", "--max-requests", str(MAX_REQUESTS))
    with gunicorn(project, metrics, *CONFIG, *workers, OTEL_EXPORTER_OTLP_ENDPOINT=otlp) as shop:
        yield shop


def test_totals_are_exact_over_workers_that_come_and_go(shop: Shop) -> None:
    before = shop.counted()
    first = archive.pids(shop.directory())
    shop.visit(8 * MAX_REQUESTS)
    wait_until(lambda: shop.counted() == before + 8 * MAX_REQUESTS, "all requests to be counted")
    assert archive.pids(shop.directory()) - first, "no worker was replaced"


def test_only_living_workers_and_the_archive_have_files(shop: Shop) -> None:
    shop.visit(4 * MAX_REQUESTS)
    wait_until(lambda: all(alive(pid) for pid in archive.pids(shop.directory())), "the dead to be buried")
    assert len(archive.pids(shop.directory())) <= 4
    assert {"counter_0.db", "histogram_0.db"} <= {path.name for path in shop.directory().iterdir()}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_exemplars_name_real_traces_in_their_buckets(shop: Shop) -> None:
    shop.visit(4)
    page = get(f"{shop.url}/metrics", OPENMETRICS).text
    families = parse_openmetrics(page)  # type: ignore[no-untyped-call]
    found = [
        (float(sample.labels["le"]), sample.exemplar)
        for family in families
        for sample in family.samples
        if sample.exemplar and sample.labels.get("view") == "page"
    ]
    assert found
    for bound, exemplar in found:
        assert re.fullmatch("[0-9a-f]{32}", exemplar.labels["trace_id"])
        assert int(exemplar.labels["trace_id"], 16)
        assert exemplar.value <= bound


def test_a_reload_keeps_totals_and_the_files_of_the_living(shop: Shop) -> None:
    shop.visit(10)
    before, directory = shop.counted(), shop.directory()
    started = len([line for line in shop.lines() if "Booting worker" in line])
    os.kill(shop.process.pid, signal.SIGHUP)
    shop.process.wait_for(
        lambda: len([line for line in shop.lines() if "Booting worker" in line]) >= started + 4, "new workers"
    )
    shop.visit(10)
    wait_until(lambda: shop.counted() == before + 10, "the totals to stay")
    assert shop.directory() == directory


def test_damaged_files_cost_their_own_numbers_only(shop: Shop) -> None:
    shop.visit(4)
    directory = shop.directory()
    (directory / "counter_999999.db").write_bytes(b"\xff\xff\xff\x7f" + b"rubbish" * 9)
    (directory / "histogram_999999.db").write_bytes(b"")
    (directory / "exemplars_999999.bin").write_bytes(b"\x00\x01\x00\x00abc")
    for headers in ({}, OPENMETRICS):
        answer = get(f"{shop.url}/metrics", headers)
        assert answer.status == 200
        assert REQUESTS in answer.text
    shop.process.wait_for(lambda: TOLD in shop.process.stderr, "the line about it")


def test_the_directory_is_private_and_the_page_complete(shop: Shop) -> None:
    assert stat.S_IMODE(shop.directory().stat().st_mode) == 0o700
    assert "observe_scrape_incomplete 0.0" in get(f"{shop.url}/metrics").text


def test_gunicorns_own_lines_are_json_and_requests_are_told_once(shop: Shop) -> None:
    lines = [json.loads(line) for line in shop.lines() if not line.startswith(TOLD)]
    boot = next(line for line in lines if line["message"].startswith("Listening at"))
    assert (boot["logger"], boot["level"], boot["service"]) == ("gunicorn.error", "INFO", "shop")
    assert {line["logger"] for line in lines} == {"gunicorn.error", "django_observe.request"}


def test_the_directory_goes_with_its_master(project: Path, tmp_path: Path) -> None:
    with gunicorn(project, tmp_path / "metrics", *CONFIG, "--preload", "--workers", "2") as shop:
        shop.visit(6)
        assert shop.counted() == 6
        assert list(shop.metrics.iterdir())
        assert shop.process.stop() == 0
        assert list(shop.metrics.iterdir()) == []


def test_an_upgrade_leaves_the_old_masters_numbers_alone(project: Path, tmp_path: Path) -> None:
    with gunicorn(project, tmp_path / "metrics", *CONFIG, "--workers", "2") as shop:
        shop.visit(3)
        old = shop.directory()
        os.kill(shop.process.pid, signal.SIGUSR2)
        shop.process.wait_for(lambda: len(list(shop.metrics.iterdir())) == 2, "the new master's directory")
        assert archive.pids(old)
        shop.process.wait_for(lambda: shop.lines()[-1:] and booted_twice(shop), "the new workers")
        shop.process.popen.terminate()
        wait_until(lambda: not old.exists(), "the old master to be gone")
        shop.visit(2)
        wait_until(lambda: shop.counted() == 2, "the new master's numbers alone")


def booted_twice(shop: Shop) -> bool:
    return len([line for line in shop.lines() if "Booting worker" in line]) >= 4


def test_it_can_be_combined_with_a_file_of_ones_own_and_a_directory_of_ones_own(
    project: Path, tmp_path: Path
) -> None:
    own = tmp_path / "mine"
    with gunicorn(
        project,
        tmp_path / "metrics",
        "-c",
        "own.py",
        "--max-requests",
        "3",
        PROMETHEUS_MULTIPROC_DIR=str(own),
    ) as shop:
        shop.visit(10)
        shop.process.wait_for_line("my own hook ran")
        wait_until(lambda: shop.counted() == 10, "all requests to be counted")
        assert (own / "counter_0.db").exists()
        assert list(shop.metrics.iterdir()) == []
        shop.process.stop()
        assert own.exists()


def test_several_workers_without_it_say_that_the_page_is_incomplete(project: Path, tmp_path: Path) -> None:
    with gunicorn(project, tmp_path / "metrics", "--workers", "2") as shop:
        assert "observe_scrape_incomplete 1.0" in get(f"{shop.url}/metrics").text


def test_a_directory_that_cannot_be_made_costs_the_totals_not_the_service(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    below = str(tmp_path / "file" / "below")
    with gunicorn(
        project, tmp_path / "metrics", *CONFIG, "--workers", "2", OBSERVE_METRICS_DIR=below
    ) as shop:
        shop.visit(4)
        (line,) = [line for line in shop.lines() if line.startswith("django_observe: ")]
        assert "Not a directory" in line
        assert "OBSERVE_METRICS_DIR" in line
        assert "observe_scrape_incomplete 1.0" in get(f"{shop.url}/metrics").text
