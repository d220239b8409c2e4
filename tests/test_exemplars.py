"""From a number to its cause: every latency names traces, over several processes, that the console has."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from demo_services.ports import free_port
from django_observe.metricset import ALL_FAMILIES, CLIENT_DURATION, DB_QUERY_DURATION
from django_observe.taskmetricset import DJANGO_TASK_QUEUE_WAIT, DJANGO_TASK_RUNTIME, TASK_FAMILIES
from tests.console.running import Console, running
from tests.processes import Process, get, require, wait_until

ROOT = Path(__file__).parent.parent
OF_BACKGROUND_TASKS: Final = {DJANGO_TASK_QUEUE_WAIT.name, DJANGO_TASK_RUNTIME.name}
"""The rows of background tasks look at these: tests/conformance/test_backgroundtasks.py."""

LATENCIES: Final = {
    family.name for family in ALL_FAMILIES if family.kind == "histogram" and "body" not in family.name
} - OF_BACKGROUND_TASKS
OF_WORKERS: Final = {family.name for family in TASK_FAMILIES} & LATENCIES
ON_BOTH: Final = {CLIENT_DURATION.name, DB_QUERY_DURATION.name}
OPENMETRICS: Final = {"Accept": "application/openmetrics-text; version=1.0.0"}
FILES = {
    "shop/__init__.py": """
        import os
        from celery import Celery
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        app = Celery("shop")
        app.config_from_object("django.conf:settings", namespace="CELERY")
        app.autodiscover_tasks()
    """,
    "shop/settings.py": """
        import os
        SECRET_KEY = "only for tests"
        ALLOWED_HOSTS = ["*"]
        ROOT_URLCONF = "shop.urls"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
        CELERY_BROKER_URL = os.environ["REDIS_URL"]
        INSTALLED_APPS = ["shop", "django_observe"]
    """,
    "shop/tasks.py": """
        import os, requests
        from celery import shared_task
        from django.db import connection

        def work():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            requests.get(os.environ["NEIGHBOUR"], timeout=10)

        @shared_task
        def bill():
            work()
    """,
    "shop/urls.py": """
        from django.http import HttpResponse
        from django.urls import path
        from shop.tasks import bill, work

        def order(request):
            work()
            bill.delay()
            return HttpResponse("ordered")

        urlpatterns = [path("order/", order)]
    """,
    "shop/wsgi.py": """
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """,
}


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as console:
        yield console


@pytest.fixture(scope="module")
def pages(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The metrics pages of a gunicorn of four workers and of a Celery worker of two, after some orders."""
    folder = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    broker, web, metrics, neighbour = (free_port() for _ in range(4))
    env = {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "REDIS_URL": f"redis://127.0.0.1:{broker}/0",
        "NEIGHBOUR": f"http://127.0.0.1:{neighbour}/",
        "OTEL_EXPORTER_OTLP_ENDPOINT": console.otlp,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OBSERVE_METRICS_DIR": str(folder),
        "OBSERVE_WORKER_METRICS_PORT": str(metrics),
        "C_FORCE_ROOT": "1",
    }
    program = require("redis-server", "redis-server")
    redis = [program, "--port", str(broker), "--save", "", "--bind", "127.0.0.1"]
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "shop.wsgi"]
    gunicorn += ["--workers", "4", "-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{web}"]
    celery = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-c", "2", "-l", "INFO"]
    with ExitStack() as stack:
        files = [sys.executable, "-m", "http.server", str(neighbour), "--bind", "127.0.0.1"]
        stack.enter_context(Process(files, cwd=folder)).wait_for_http(f"http://127.0.0.1:{neighbour}/")
        stack.enter_context(Process(redis)).wait_for_line("Ready to accept connections")
        worker = stack.enter_context(Process(celery, cwd=folder, env=env))
        stack.enter_context(Process(gunicorn, cwd=folder, env=env)).wait_for_http(
            f"http://127.0.0.1:{web}/healthz"
        )
        worker.wait_for_line("ready.")
        with ThreadPoolExecutor(4) as clients:
            answers = clients.map(lambda _: get(f"http://127.0.0.1:{web}/order/").status, range(12))
            assert set(answers) == {200}
        yield f"http://127.0.0.1:{web}/metrics", f"http://127.0.0.1:{metrics}/metrics"


def exemplars(page: str) -> dict[str, set[str]]:
    """The traces that each histogram of a page names."""
    found: dict[str, set[str]] = {}
    for family in parse(get(page, OPENMETRICS).text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.exemplar:
                found.setdefault(family.name, set()).add(sample.exemplar.labels["trace_id"])
    return found


@pytest.mark.parametrize(
    ("place", "families"), [(0, LATENCIES - OF_WORKERS), (1, OF_WORKERS | ON_BOTH)], ids=["web", "worker"]
)
def test_every_latency_names_traces_that_are_stored(
    place: int, families: set[str], pages: tuple[str, str], console: Console
) -> None:
    page = pages[place]
    wait_until(lambda: families <= exemplars(page).keys(), f"exemplars of {families}")
    named = exemplars(page)
    assert named.keys() == families
    for family, traces in named.items():
        for trace in traces:
            wait_until(lambda trace=trace: console.spans(trace), f"{trace}, an exemplar of {family}")  # type: ignore[misc]
