"""`captured()` and its fixture: what a project's tests get, and what they leave behind (nothing)."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, TestCase, modify_settings, override_settings
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext
from prometheus_client import REGISTRY, Counter

from django_observe import celery as integration
from django_observe import logway, reporting, traces
from django_observe.records import Query
from django_observe.testing import Captured, captured

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def app() -> Iterator[Celery]:
    """A Celery app that runs tasks where they are called."""
    integration.install()
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.task_always_eager = True
    yield app
    app.close()


def get(path: str) -> Any:
    return Client(raise_request_exception=False).get(path)


@pytest.mark.django_db
def test_a_request_is_captured_as_record_line_samples_and_span() -> None:
    with captured() as telemetry:
        response = get("/queries/")
    (request,) = telemetry.requests()
    (line,) = telemetry.lines
    (span,) = telemetry.spans
    identifier = response["X-Correlation-ID"]
    assert (request.route, request.status, request.queries.count) == ("queries/", 200, 3)
    assert request.correlation_id == line["correlation_id"] == identifier
    assert (span.attributes or {})["correlation_id"] == identifier
    assert request.trace is not None
    assert line["trace_id"] == request.trace.trace_id
    assert repr(telemetry) == "<Captured: 4 records, 1 lines, 1 spans>"
    assert span.name == "GET queries/"
    assert telemetry.sample("django_http_requests_total_by_method_total", method="GET") == 1
    assert telemetry.sample("django_http_requests_total_by_method_total", method="POST") == 0
    assert sum(isinstance(record, Query) for record in telemetry.records) == 3


def test_it_can_be_read_before_the_block_ends_and_does_not_change_after() -> None:
    name = "django_http_responses_total_by_status_total"
    with captured() as telemetry:
        get("/ok/")
        assert len(telemetry.requests()) == 1
        assert telemetry.sample(name, status="200") == 1
        get("/nope/")
    get("/ok/")
    assert len(telemetry.requests()) == len(telemetry.spans) == 2
    assert telemetry.sample(name, status="200") == 1
    assert telemetry.sample(name) == 2


def test_a_sample_that_could_never_grow_is_no_zero() -> None:
    registry_before = set(REGISTRY._collector_to_names)
    refused = Counter("payments_refused", "Payments.", ["reason"])
    try:
        with captured() as telemetry:
            pass
        assert telemetry.sample("payments_refused_total") == 0, "no reason has been counted yet"
        assert telemetry.sample("celery_task_runtime_count") == telemetry.sample("celery_worker_up") == 0
        for forgotten in ("payments_refused", "payments_refused_totals", "celery_task_runtime"):
            with pytest.raises(LookupError, match=f"{forgotten!r}.* Did you mean '{forgotten[:12]}.*'"):
                telemetry.sample(forgotten)
        with pytest.raises(LookupError, match=r"'zebra'.* Import what registers it"):
            telemetry.sample("zebra")
    finally:
        REGISTRY.unregister(refused)
    assert set(REGISTRY._collector_to_names) == registry_before


def test_application_lines_are_captured_with_the_id() -> None:
    with captured() as telemetry:
        get("/logs/")
        logging.getLogger("shop").debug("below the level of the project")
    own, request = telemetry.lines
    assert (own["message"], own["basket"]) == ("a line of the project's own", 3)
    assert own["correlation_id"] == request["correlation_id"]


def test_a_failed_request_is_captured() -> None:
    with captured() as telemetry:
        get("/boom/")
    (request,) = telemetry.requests()
    assert request.failure is not None
    assert request.failure.type == "ValueError"
    assert telemetry.lines[-1]["event"] == "request"
    assert telemetry.spans[0].events[0].name == "exception"


async def answered(path: str) -> None:
    await AsyncClient().get(path)  # Django 4.2's `get` is not itself a coroutine function


def test_async_requests_are_captured() -> None:
    with captured() as telemetry:
        async_to_sync(answered)("/async/ok/")
    assert [request.route for request in telemetry.requests()] == ["async/ok/"]
    assert len(telemetry.spans) == 1


def test_tasks_are_captured(app: Celery) -> None:
    @app.task(name="shop.charge")
    def charge() -> None:
        logging.getLogger("shop").info("charged")

    with captured() as telemetry:
        charge.delay()
    (run,) = telemetry.tasks()
    assert (run.task, run.state) == ("shop.charge", "SUCCESS")
    own, task = (line for line in telemetry.lines if line["logger"] in ("shop", "django_observe.task"))
    assert (own["message"], task["event"]) == ("charged", "task")
    assert own["correlation_id"] == task["correlation_id"] == run.correlation_id
    assert not any(line["logger"].startswith("celery") for line in telemetry.lines)
    assert telemetry.sample("celery_task_succeeded_total", name="shop.charge") == 1
    assert any(span.name.startswith("run/shop.charge") for span in telemetry.spans)
    charge.delay()
    assert len(telemetry.tasks()) == 1


def test_spans_of_the_projects_own_are_captured() -> None:
    with captured() as telemetry, trace.get_tracer("shop").start_as_current_span("checkout"):
        pass
    with trace.get_tracer("shop").start_as_current_span("afterwards") as after:
        assert not after.is_recording()
    assert [span.name for span in telemetry.spans] == ["checkout"]


def test_spans_are_told_as_they_would_leave() -> None:
    tracer, linked = trace.get_tracer("shop"), Link(SpanContext(7, 7, is_remote=True), {"token": "canary"})
    given: dict[str, Any] = {
        "iban": "canary",
        "note": "paid by cust-1234",
        "shop.items": (1, 2),
        "paid": True,
    }
    settings = {"SCRUB_KEYS": ["iban"], "SCRUB_PATTERNS": [r"cust-(\d+)"]}
    with (
        override_settings(DJANGO_OBSERVE=settings),
        captured() as telemetry,
        suppress(ValueError),
        tracer.start_as_current_span("pay cust-1234", attributes=given, links=[linked]) as span,
    ):
        span.add_event("refused", {"password": "canary"})
        raise ValueError("password=canary")
    with override_settings(DJANGO_OBSERVE=settings):
        [told] = telemetry.exported()
    [made] = telemetry.spans
    assert "canary" in made.to_json()
    assert not re.search("canary|cust-1", told.to_json())
    assert told.name == "pay cust-[redacted]"
    assert dict(told.attributes or {}) == {
        "iban": "[redacted]",
        "note": "paid by cust-[redacted]",
        "shop.items": [1, 2],
        "paid": True,
    }
    assert [event.name for event in told.events] == ["refused", "exception"]
    assert told.status.description == "ValueError: password=[redacted]"
    assert dict(told.links[0].attributes or {}) == {"token": "[redacted]"}
    assert (told.context, told.kind, told.start_time) == (made.context, made.kind, made.start_time)
    assert told.resource.attributes["service.name"] == made.resource.attributes["service.name"]


def test_what_threads_do_is_captured() -> None:
    with captured() as telemetry:
        threads = [threading.Thread(target=get, args=("/ok/",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(telemetry.requests()) == len(telemetry.lines) == len(telemetry.spans) == 8
    assert len({line["correlation_id"] for line in telemetry.lines}) == 8


def test_blocks_nest() -> None:
    with captured() as outer:
        get("/ok/")
        with captured() as inner:
            get("/logs/")
        get("/ok/")
    assert [request.route for request in inner.requests()] == ["logs/"]
    assert [request.route for request in outer.requests()] == ["ok/", "logs/", "ok/"]
    assert (len(inner.spans), len(outer.spans)) == (1, 3)
    assert (len(inner.lines), len(outer.lines)) == (2, 4)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails: bool) -> None:
    get("/ok/")
    before = (
        reporting.reporters(),
        [list(logger.handlers) for logger in logway.ends()],
        traces._begin,
        traces.enabled(),
    )
    try:
        with captured() as telemetry:
            get("/ok/")
            assert not fails
    except AssertionError:
        assert fails
    after = (
        reporting.reporters(),
        [list(logger.handlers) for logger in logway.ends()],
        traces._begin,
        traces.enabled(),
    )
    assert after == before
    assert get("/ok/")["X-Correlation-ID"] != telemetry.requests()[0].correlation_id
    assert len(telemetry.requests()) == 1


def test_it_goes_on_when_settings_or_apps_change_inside_the_block() -> None:
    with captured() as telemetry:
        with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "renamed"}):
            get("/ok/")
        with modify_settings(INSTALLED_APPS={"append": "django.contrib.messages"}):
            get("/ok/")
        get("/ok/")
    assert len(telemetry.requests()) == 3
    assert [line["service"] for line in telemetry.lines] == ["renamed", "tests", "tests"]


def test_a_reporter_that_is_off_tells_nothing_and_the_others_go_on() -> None:
    with override_settings(DJANGO_OBSERVE={"LOGS": False, "TRACES": False}), captured() as telemetry:
        get("/ok/")
    assert len(telemetry.requests()) == 1
    assert (telemetry.lines, telemetry.spans) == ([], [])


def test_the_fixture_captures_the_whole_test(captured: Captured) -> None:
    get("/ok/")
    assert [request.route for request in captured.requests()] == ["ok/"]


class InDjangosOwnTestCase(TestCase):
    def test_captured(self) -> None:
        with captured() as telemetry:
            User.objects.create(username="ada")
            self.client.get("/queries/")
        assert telemetry.requests()[0].queries.count == 3
        assert sum(isinstance(record, Query) for record in telemetry.records) == 4


def run(program: str, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_importing_it_imports_neither_django_nor_pytest_nor_the_sdk() -> None:
    imported = run("import sys, django_observe.testing; print(*sys.modules)").split()
    heavy = {"django", "pytest", "opentelemetry.sdk", "prometheus_client", "orjson", "celery"}
    assert heavy.isdisjoint(imported)


def test_the_plugin_works_in_a_project_that_knows_nothing_of_it(tmp_path: Path) -> None:
    """With the entry point's module named by hand, as in an environment where nothing is installed."""
    (tmp_path / "test_plain.py").write_text("def test_plain(request): assert request.fixturename is None\n")
    options = ("-q", "-p", "django_observe.testing", "-p", "no:cacheprovider", "-c", "/dev/null")
    program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]) or 'django' in sys.modules)"
    assert "1 passed" in run(program, str(tmp_path), *options)
