"""A good guest: projects that know nothing of the package behave, and are tested, as if it were not there."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django.apps import apps
from django.conf import settings
from django.core import signals
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from django_observe import correlation_id, middleware, reporting
from django_observe.records import Exchange, Record
from tests.runningthreads import threads

ROOT = Path(__file__).resolve().parents[1]
OURS = middleware.PATH
SESSION_STACK = [
    OURS,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def get(path: str) -> HttpResponse:
    """One answer from a client of its own: a client keeps the middleware of its first request."""
    return cast("HttpResponse", Client(raise_request_exception=False).get(path))


@pytest.fixture
def told() -> Iterator[list[Record]]:
    """What a reporter beside ours is told."""
    records: list[Record] = []
    before = reporting.reporters()
    reporting.set_reporters((*before, records.append))
    yield records
    reporting.set_reporters(before)


def fresh(program: str, **variables: str) -> Any:
    """What `program` prints last, as JSON, in an interpreter of its own with the tests' settings."""
    environment = {"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "tests.settings", **variables}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return json.loads(finished.stdout.splitlines()[-1])


# --- MIDDLEWARE (projects' tests append to, replace and empty it)


def test_a_list_is_changed_in_place() -> None:
    projects = ["django.middleware.common.CommonMiddleware"]
    with override_settings(MIDDLEWARE=projects):
        middleware.install()
        assert settings.MIDDLEWARE is projects
    assert projects == [OURS, "django.middleware.common.CommonMiddleware"]


def test_a_tuple_is_replaced() -> None:
    with override_settings(MIDDLEWARE=("django.middleware.common.CommonMiddleware",)):
        middleware.install()
        assert list(settings.MIDDLEWARE) == [OURS, "django.middleware.common.CommonMiddleware"]


def test_a_middleware_listed_by_hand_stays_where_it_is() -> None:
    with override_settings(MIDDLEWARE=["django.middleware.common.CommonMiddleware", OURS]):
        middleware.install()
        assert settings.MIDDLEWARE == ["django.middleware.common.CommonMiddleware", OURS]


def test_a_test_that_empties_middleware_gets_bare_django() -> None:
    with override_settings(MIDDLEWARE=[]):
        response = get("/ok/")
    assert response.status_code == 200
    assert "X-Correlation-ID" not in response
    assert correlation_id() is None


# --- ready() again and again


def wiring() -> dict[str, object]:
    """Everything `ready()` may have added something to."""
    watched = (signals.request_started, signals.got_request_exception, signals.setting_changed)
    loggers = [
        logging.getLogger(name)
        for name in ("", "django", "django.request", "django.server", "django_observe")
    ]
    return {
        "middleware": list(settings.MIDDLEWARE),
        "receivers": [len(signal.receivers) for signal in watched],
        "handlers": [(list(logger.handlers), list(logger.filters)) for logger in loggers],
        "handler filters": [list(handler.filters) for logger in loggers for handler in logger.handlers],
        "wrappers": list(connection.execute_wrappers),
        "collectors": len(list(REGISTRY.collect())),
        "reporters": reporting.reporters(),
    }


def test_ready_may_run_any_number_of_times() -> None:
    """Once before the count, as pytest gives the root logger new handlers for each test."""
    ready = apps.get_app_config("django_observe").ready
    gc.collect()  # receivers that earlier tests left behind may go now, not between the counts
    ready()
    before, running = wiring(), threads()
    for _ in range(14):
        ready()
    assert wiring() == before
    assert threads() <= running


# --- Answers


@pytest.mark.parametrize("path", ["/ok/", "/nowhere/", "/denied/", "/boom/"])
def test_an_answer_gains_one_header_and_nothing_else(path: str) -> None:
    with override_settings(MIDDLEWARE=[]):
        bare = get(path)
    ours = get(path)
    assert (ours.status_code, ours.content) == (bare.status_code, bare.content)
    assert set(ours.headers) - set(bare.headers) == {"X-Correlation-ID"}
    assert {**bare.headers, "X-Correlation-ID": ours["X-Correlation-ID"]} == dict(ours.headers)


@pytest.mark.parametrize("path", ["/ok/", "/nowhere/", "/denied/", "/boom/"])
def test_with_the_header_off_nothing_differs(path: str) -> None:
    with override_settings(MIDDLEWARE=[]):
        bare = get(path)
    with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": None}):
        assert dict(get(path).headers) == dict(bare.headers)


@override_settings(MIDDLEWARE=SESSION_STACK, SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
def test_the_session_and_the_user_are_left_alone() -> None:
    response = get("/ok/")
    assert "Vary" not in response
    assert "Set-Cookie" not in response


@pytest.mark.django_db
def test_no_query_is_added(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        get("/ok/")
    with django_assert_num_queries(3):
        get("/queries/")


# --- Logging


def test_caplog_sees_the_projects_lines_and_none_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        get("/logs/")
    assert [record.getMessage() for record in caplog.records] == ["a line of the project's own"]


def test_djangos_own_warning_still_reaches_the_projects_handlers(caplog: pytest.LogCaptureFixture) -> None:
    get("/nowhere/")
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("django.request", "Not Found: /nowhere/")
    ]


OWN_LOGGING = """
import copy, json, logging, django
from django.conf import settings
settings.LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(levelname)s %(message)s"}},
    "handlers": {"own": {"class": "logging.handlers.BufferingHandler", "capacity": 9, "formatter": "short"}},
    "loggers": {"shop": {"handlers": ["own"], "level": "WARNING", "propagate": False}},
    "root": {"handlers": ["own"], "level": "ERROR"},
}
before = copy.deepcopy(settings.LOGGING)
django.setup()
root, shop = logging.getLogger(), logging.getLogger("shop")
print(json.dumps({
    "setting": settings.LOGGING == before,
    "root": [type(handler).__name__ for handler in root.handlers],
    "levels": [root.level, shop.level],
    "format": root.handlers[0].formatter._fmt,
}))
"""


def test_a_logging_of_the_projects_own_is_left_alone() -> None:
    assert fresh(OWN_LOGGING) == {
        "setting": True,
        "root": ["BufferingHandler"],
        "levels": [logging.ERROR, logging.WARNING],
        "format": "%(levelname)s %(message)s",
    }


# --- Clocks


@pytest.mark.parametrize("readings", [[5.0], [1e9, -1_577_830_584.0]], ids=["frozen", "going back"])
def test_a_clock_that_stands_or_runs_back_gives_no_negative_duration(
    told: list[Record], monkeypatch: pytest.MonkeyPatch, readings: list[float]
) -> None:
    """As freezegun does: every module's own name of a clock is replaced."""
    rest = iter(readings)

    def clock() -> float:
        return next(rest, readings[-1])

    for name, module in list(sys.modules.items()):
        if name.startswith("django_observe"):
            for function in {"perf_counter", "monotonic", "time"} & vars(module).keys():
                if callable(vars(module)[function]):
                    monkeypatch.setattr(module, function, clock)
    failures = reporting.failures()
    assert get("/ok/").status_code == 200
    [exchange] = [record for record in told if isinstance(record, Exchange)]
    assert exchange.seconds == 0
    assert reporting.failures() == failures


# --- Start-up

STARTED = """
import io, json, socket, threading
def refuse(*args, **kwargs):
    raise RuntimeError("a socket at start-up")
socket.socket.__init__ = refuse
import django
django.setup()
from django.core.management import call_command
call_command("check", stdout=io.StringIO())
print(json.dumps([thread.name for thread in threading.enumerate()]))
"""


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"], ids=["no endpoint", "endpoint"])
def test_starting_opens_no_socket_and_starts_no_thread(endpoint: str) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}
    assert fresh(STARTED, **variables) == ["MainThread"]


IMPORTED = "import json, sys, django_observe; print(json.dumps(sorted(sys.modules)))"


def test_importing_the_package_imports_no_big_part() -> None:
    heavy = (
        "django",
        "celery",
        "requests",
        "prometheus_client",
        "opentelemetry.sdk",
        "opentelemetry.exporter",
    )
    names = fresh(IMPORTED)
    assert [
        name for name in names if name.startswith(tuple(f"{part}." for part in heavy)) or name in heavy
    ] == []


# --- django-prometheus beside us

BESIDE_DJANGO_PROMETHEUS = """
import json, django
from django.conf import settings
settings.INSTALLED_APPS += ["django_prometheus"]
settings.MIDDLEWARE += [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
django.setup()
from django.test import Client
from prometheus_client import REGISTRY
client = Client()
for _ in range(3):
    assert client.get("/ok/").status_code == 200
assert client.get("/metrics").status_code == 200
name, labels = "django_http_requests_total_by_view_transport_method_total", {"view": "ok", "method": "GET"}
print(json.dumps(REGISTRY.get_sample_value(name, {**labels, "transport": "http"})))
"""


def test_django_prometheus_beside_us_counts_nothing_twice() -> None:
    assert fresh(BESIDE_DJANGO_PROMETHEUS) == 3
