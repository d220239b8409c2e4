"""Liveness touches nothing; readiness asks everything, waits for nothing too long, and piles nothing up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery
from celery import _state as celery_state
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker

from demo_services.ports import free_port
from django_observe import dependencies, health, probe
from django_observe.testing import captured
from tests.runningthreads import threads

pytestmark = pytest.mark.django_db
WITHOUT_BROKER = override_settings(DJANGO_OBSERVE={"CELERY": False})
"""Apps of other tests may still be there, with brokers that are not."""

gates: dict[str, threading.Event] = {}
calls: list[str] = []


class Forgetful(LocMemCache):
    """Takes everything and keeps nothing, like a cache that ignores that its server is away."""

    def set(self, *args: Any, **kwargs: Any) -> None:
        return None


@contextmanager
def current_app(broker: str) -> Iterator[Celery]:
    """A Celery app as a project makes it, for a while."""
    state: Any = celery_state
    before = state._tls.current_app
    app: Any = Celery("shop", broker=broker)
    try:
        yield app
    finally:
        state._tls.current_app = before
        app.set_as_current = False
        app.close()


def fine() -> None:
    calls.append("fine")


def broken() -> None:
    raise ConnectionError("refused for password=canary at redis://u:canary@cache " + "x" * 999)


def hanging() -> None:
    calls.append("hanging")
    gates["open"].wait(30)


@pytest.fixture(autouse=True)
def gate() -> Iterator[threading.Event]:
    """What `hanging` waits for; no probe of one test is left for the next."""
    gates["open"] = threading.Event()
    calls.clear()
    yield gates["open"]
    gates["open"].set()
    for thread in threading.enumerate():
        if thread.name == "django_observe.ready":
            thread.join(10)
    probe._running.clear()
    health._kept = None


def ready(*checks: Callable[[], object], timeout: float = 5) -> tuple[int, dict[str, Any]]:
    """The answer of the readiness view with these checks beside the project's own."""
    names = [f"{check.__module__}.{check.__name__}" for check in checks]
    with override_settings(DJANGO_OBSERVE={"READY_CHECKS": names, "READY_TIMEOUT": timeout, "CELERY": False}):
        response = health.ready(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


def test_alive_touches_nothing(django_db_blocker: DjangoDbBlocker) -> None:
    before = threads()
    with django_db_blocker.block():
        response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "application/json"
    assert threads() <= before


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_they_are_only_read(path: str, method: str) -> None:
    response = getattr(Client(), method)(path)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


@WITHOUT_BROKER
def test_ready_asks_database_and_cache_and_times_each() -> None:
    response = Client().get("/readyz")
    answer = response.json()
    assert (response.status_code, answer["status"]) == (200, "ok")
    assert response["Cache-Control"] == "no-store"
    assert set(answer["checks"]) == {"database", "cache"}
    for check in answer["checks"].values():
        assert check["status"] == "ok"
        assert check["duration_ms"] >= 0
    assert Client().head("/readyz").status_code == 200


@WITHOUT_BROKER
def test_ready_answers_in_async_too() -> None:
    async def status() -> Any:
        return (await AsyncClient().get("/readyz")).json()["status"]

    assert async_to_sync(status)() == "ok"


@WITHOUT_BROKER
def test_the_requests_own_connection_is_neither_used_nor_closed(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    connection.ensure_connection()
    kept = connection.connection
    with django_assert_num_queries(0):
        Client().get("/readyz")
    assert connection.connection is kept


AWAY = """
import django, json
from django.conf import settings
databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, "away": %s}
settings.configure(
    DATABASES=databases, INSTALLED_APPS=["django_observe"], SECRET_KEY="x",
    DJANGO_OBSERVE={"READY_TIMEOUT": 20},
)
django.setup()
from django.test import RequestFactory
from django_observe import health
response = health.ready(RequestFactory().get("/readyz"))
print(response.status_code, response.content.decode())
"""


@pytest.mark.parametrize(
    "database",
    [
        {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/at/all.sqlite3"},
        {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": free_port(), "NAME": "x"},
    ],
    ids=["sqlite", "postgresql"],
)
def test_a_database_that_is_away_makes_503(database: dict[str, Any]) -> None:
    """In a process of its own: Django's tests forbid connections to other databases."""
    ran = subprocess.run(
        [sys.executable, "-c", AWAY % repr(database)],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, _, content = ran.stdout.splitlines()[-1].partition(" ")
    checks = json.loads(content)["checks"]
    assert status == "503"
    assert checks["database"]["status"] == "ok"
    assert checks["database:away"]["status"] == "failed"
    assert checks["database:away"]["error"].startswith("OperationalError: ")


def test_a_cache_that_forgets_makes_503() -> None:
    with override_settings(
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
            "sessions": {"BACKEND": "tests.test_health.Forgetful"},
        },
        DJANGO_OBSERVE={"CELERY": False},
    ):
        response = health.ready(RequestFactory().get("/readyz"))
    checks = json.loads(response.content)["checks"]
    assert response.status_code == 503
    assert set(checks) == {"database", "cache:sessions"}
    assert checks["cache:sessions"]["error"] == "LookupError: the cache did not return what was just stored"


def test_of_an_error_only_what_is_no_secret_is_told() -> None:
    status, answer = ready(fine, broken)
    assert (status, answer["status"]) == (503, "failed")
    assert answer["checks"]["tests.test_health.fine"]["status"] == "ok"
    error = answer["checks"]["tests.test_health.broken"]["error"]
    assert error.startswith("ConnectionError: refused for password=[redacted] at redis://[redacted]@cache")
    assert len(error) <= 200
    assert "canary" not in error


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"REMOTE_ADDR": "203.0.113.9"}, False),
        ({"REMOTE_ADDR": ""}, False),
        ({"HTTP_X_FORWARDED_FOR": "10.0.0.1"}, False),
        ({"HTTP_VIA": "1.1 edge"}, False),
        ({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer wrong"}, False),
        ({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer s3cret"}, True),
        ({"REMOTE_ADDR": "10.0.0.1"}, True),
    ],
)
def test_strangers_learn_only_whether_it_is_ready(meta: dict[str, str], told: bool) -> None:
    given = {"READY_CHECKS": ["tests.test_health.broken"], "METRICS_TOKEN": "s3cret", "CELERY": False}
    with override_settings(DJANGO_OBSERVE={**given, "METRICS": False}):
        response = health.ready(RequestFactory().get("/readyz", **meta))  # type: ignore[arg-type]
    document = json.loads(response.content)
    assert (response.status_code, document.pop("status")) == (503, "failed")
    if told:
        assert document["checks"]["tests.test_health.broken"]["error"].startswith("ConnectionError: refused")
    else:
        assert document == {}


def test_who_asks_in_a_loop_asks_nothing_and_logs_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(health, "perf_counter", lambda: now[0])
    names = ["tests.test_health.fine", "tests.test_health.broken"]
    with override_settings(DJANGO_OBSERVE={"READY_CHECKS": names, "CELERY": False}):
        for at, asked in ((100.0, 1), (100.99, 1), (101.01, 2), (101.5, 2)):
            now[0] = at
            for _ in range(20):
                assert health.ready(RequestFactory().get("/readyz")).status_code == 503
            assert calls == ["fine"] * asked
            assert [record.name for record in caplog.records] == ["django_observe.health"] * asked
    assert ready(fine)[0] == 200, "a verdict under other settings is none under these"


def test_who_asks_in_a_loop_leaves_one_line_of_each_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(health, "perf_counter", lambda: now[0])
    given = {"READY_CHECKS": ["tests.test_health.broken"], "CELERY": False}
    with override_settings(DJANGO_OBSERVE=given), captured() as telemetry:
        for at in (100.0, 101.5):
            now[0] = at
            for _ in range(10):
                assert Client().get("/readyz").status_code == 503
    told = [line["logger"] for line in telemetry.lines]
    assert told == ["django_observe.health", "django_observe.request"] * 2


def test_a_check_that_cannot_be_imported_is_a_failed_one_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(DJANGO_OBSERVE={"READY_CHECKS": ["shop.nowhere.check"]}):
        answer = json.loads(health.ready(RequestFactory().get("/readyz")).content)
    assert answer["checks"]["shop.nowhere.check"]["error"].startswith("ModuleNotFoundError")
    assert "not ready: shop.nowhere.check: ModuleNotFoundError" in caplog.text


def test_all_are_asked_at_once_and_none_is_waited_for_longer_than_it_may_take() -> None:
    ready()
    started = perf_counter()
    status, answer = ready(hanging, fine, broken, timeout=0.3)
    assert 0.25 < perf_counter() - started < 10
    assert status == 503
    assert answer["checks"]["tests.test_health.hanging"]["error"].startswith("TimeoutError: no answer in 0.")
    assert answer["checks"]["tests.test_health.fine"]["status"] == "ok"


def test_a_hanging_check_is_started_once_however_often_it_is_asked(gate: threading.Event) -> None:
    ready(hanging, timeout=0.05)
    before, started = threads(), perf_counter()
    for _ in range(20):
        assert ready(hanging, timeout=0.05)[0] == 503
    assert perf_counter() - started < 10
    assert calls == ["hanging"]
    assert threads() <= before
    gate.set()
    probe._running["tests.test_health.hanging"]._done.wait(10)
    assert ready(hanging)[0] == 200
    assert calls == ["hanging", "hanging"]


def test_probes_at_the_same_time_share_one_check(gate: threading.Event) -> None:
    with override_settings(DJANGO_OBSERVE={"CELERY": False}):
        verdicts: list[dict[str, probe.Verdict]] = []
        askers = [
            threading.Thread(target=lambda: verdicts.append(probe.ask({"slow": hanging}, 10)))
            for _ in range(5)
        ]
        for asker in askers:
            asker.start()
        gate.set()
        for asker in askers:
            asker.join(10)
    assert len(verdicts) == 5
    assert all(verdict["slow"].error is None for verdict in verdicts)


def test_a_forked_child_does_not_wait_for_its_parents_probe() -> None:
    ready(hanging, timeout=0.05)
    child = os.fork()
    if child == 0:
        os._exit(len(probe._running))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("memory://", None),
        ("filesystem://", None),
        (f"redis://127.0.0.1:{free_port()}/0", "OperationalError"),
        (f"amqp://guest@127.0.0.1:{free_port()}//", "OperationalError"),
    ],
    ids=["memory", "filesystem", "redis", "amqp"],
)
def test_the_broker_is_asked_where_a_server_could_be_away(url: str, error: str | None) -> None:
    with current_app(url) as app:
        found: dict[str, Any] = dict(dependencies.checks())
        check = next(
            check for name, check in found.items() if name.startswith("broker") and app in check.args
        )
        verdict = probe.ask({"broker": check}, 5)["broker"]
    assert (verdict.error or "").startswith(error or "")
    assert (verdict.error is None) is (error is None)


def test_without_celery_there_is_no_broker_to_ask() -> None:
    with current_app("memory://"):
        assert any(name.startswith("broker") for name in dependencies.checks())
        with override_settings(DJANGO_OBSERVE={"CELERY": False}):
            assert not any(name.startswith("broker") for name in dependencies.checks())


def test_an_app_that_is_nobodys_current_one_is_not_asked() -> None:
    before = set(dependencies.checks())
    app = Celery("aside", broker="memory://", set_as_current=False)
    assert set(dependencies.checks()) == before
    app.close()


def test_an_answer_is_an_http_response() -> None:
    assert isinstance(health.live(RequestFactory().get("/")), HttpResponse)
