"""Celery as the doctor sees it: real workers, with the kit and without, and a broker that is not there."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from demo_services.ports import free_port
from django_observe.doctor import fleet, taskspans, workers
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.fleet import Fleet
from django_observe.workercontrol import CANARY_TASK
from tests.console.running import Console, running
from tests.doctor.faulttable import assert_found, plant
from tests.doctor.fleets import app, examined, in_folder, with_task
from tests.doctor.served import canary
from tests.processes import Process

ROOT = Path(__file__).parents[2]
PROJECT = "tests.celeryproject"


@pytest.fixture(scope="module")
def here() -> Iterator[Console]:
    with running() as started:
        yield started


def variables(folder: Path, endpoint: str) -> dict[str, str]:
    """A service with the kit whose broker is a folder."""
    return {
        "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
        "REDIS_URL": "filesystem://",
        "BROKER_FOLDER": str(folder),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_SERVICE_NAME": "mails",
        "OBSERVE_WORKER_METRICS_PORT": "0",
        "C_FORCE_ROOT": "1",
    }


def worker(app: str, name: str, queue: str, env: Mapping[str, str | None]) -> Process:
    words = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        app,
        "worker",
        "-P",
        "solo",
        "-n",
        name,
        "-Q",
        queue,
        "-l",
        "INFO",
    ]
    return Process(words, cwd=ROOT, env=env)


@pytest.fixture(scope="module")
def told(here: Console, tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What `manage.py observe doctor` finds beside one worker with the kit and one without."""
    folder = tmp_path_factory.mktemp("broker")
    env = variables(folder, here.otlp)
    ours = worker(PROJECT, "kit@here", "mails", env)
    bare = worker("tests.doctor.bareworker", "bare@here", "bare", {**env, "DJANGO_SETTINGS_MODULE": None})
    words = [sys.executable, "-m", "django", "observe", "doctor", "--json", "--timeout", "30"]
    given = {**env, "DJANGO_SETTINGS_MODULE": "tests.doctor.shopsettings", "CONSOLE": here.pages}
    with ours, bare:
        for each, name in ((ours, "kit@here"), (bare, "bare@here")):
            each.wait_for_line(f"{name} ready")
        with Process(words, cwd=ROOT, env=given) as doctor:
            assert doctor.popen.wait(60) == 1, doctor.stderr
            return [Finding(**found) for found in json.loads(doctor.stdout)["findings"]]


WITHOUT_KIT = plant(
    "a worker that does not run the kit",
    "Celery",
    "it was started before the kit was installed, with other settings, or with CELERY off",
    'INSTALLED_APPS += ["django_observe"]  # in the settings that the worker has; then restart it',
)


def test_a_worker_without_the_kit_is_told_from_one_with_it(told: list[Finding]) -> None:
    of_celery = [finding for finding in told if finding.hop in (workers.HOP, taskspans.HOP)]
    assert_found(of_celery, WITHOUT_KIT)
    assert [finding.says for finding in of_celery][:2] == [
        "bare@here does not run the kit",
        "a task from mails was run by kit@here",
    ]
    assert of_celery[2].state == OK
    assert of_celery[2].says.startswith("1 of 1 runs under the canary's ID at http://127.0.0.1:")


def test_nothing_else_is_broken(told: list[Finding]) -> None:
    """One fault is one finding; what a service without a running web process has is not configured."""
    assert [finding.hop for finding in told if finding.state == BROKEN] == [workers.HOP]


NO_BROKER = plant(
    "a broker that is not there",
    "Celery",
    "it is not running, or the app has another address or password than its workers",
    'CELERY_BROKER_URL = "…://HOST:PORT/..."  # as the workers have it',
)


def test_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = examined(monkeypatch, app(f"amqp://lois:s3cret@127.0.0.1:{free_port()}//"))
    assert_found(findings, NO_BROKER)
    assert "s3cret" not in str(findings)


NO_TRANSPORT = plant(
    "a broker of a kind that is not installed",
    "Celery",
    "its address is wrong, or of a transport that is not installed here",
    'CELERY_BROKER_URL = "…://HOST:PORT/..."  # as the workers have it',
)


def test_a_broker_that_cannot_be_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = examined(monkeypatch, app("pigeon://lois:s3cret@loft"))
    assert_found(findings, NO_TRANSPORT)
    assert "s3cret" not in str(findings)


def test_what_is_no_fleet_is_not_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No app; tasks that run where they are sent; a broker without remote control; nobody at the broker."""
    monkeypatch.setattr("celery._state._on_app_finalizers", set())  # tasks that other tests have shared
    for made in (None, app("memory://", task_always_eager=True), in_folder(tmp_path)):
        findings = examined(monkeypatch, made)
        assert [finding.state for finding in findings] == [NOT_CONFIGURED], made


NOBODY = plant(
    "no worker runs what the app sends",
    "Celery",
    "no worker runs, each has another broker, or all run tasks in a pool (solo) that cannot answer then",
    "celery -A … worker",
)


def test_tasks_that_nobody_is_there_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no broker was named, Celery's own guess that does not answer is nobody's fault."""
    monkeypatch.setattr("celery._state._on_app_finalizers", set())  # tasks that other tests have shared
    findings = examined(monkeypatch, with_task(in_folder(tmp_path)))
    assert_found(findings, NOBODY)
    assert findings[0].says.endswith(" that would run shop.report: what is sent piles up")
    monkeypatch.setattr(fleet, "BROKER_SECONDS", 1.0)
    unnamed = Celery("shop", set_as_current=False)
    assert [each.state for each in examined(monkeypatch, unnamed)] == [NOT_CONFIGURED]


NO_SPANS = plant(
    "a worker without an OTLP endpoint",
    "Celery: spans",
    "OTEL_EXPORTER_OTLP_ENDPOINT is not set where the worker was started",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://…",
)
SPANS_ELSEWHERE = plant(
    "a worker whose spans go elsewhere",
    "Celery: spans",
    "the worker's endpoint leads elsewhere, its sampler drops them, or they do not leave",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://…",
)
HEADERS_LOST = plant(
    "the ID is lost on the way to a worker",
    "Celery: spans",
    "its message's headers were lost or changed on the way",
    "keep the headers traceparent and x-correlation-id of messages",
)


def test_runs_whose_spans_are_not_as_they_should_be(here: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{here.otlp}/v1/traces")
    known, exporting = (
        Backends(console=here.pages, given=frozenset({"console"})),
        {"w@here": {"traces": True}},
    )
    sent = canary(known, trace_id="c0ffee" * 5 + "42")
    assert_found(taskspans.examine(sent, {"w@here": {"traces": False}}, 1), NO_SPANS)
    assert_found(taskspans.examine(sent, exporting, 1), SPANS_ELSEWHERE)
    now, other = str(time.time_ns()), [{"key": "correlation_id", "value": {"stringValue": "another-id"}}]
    span = {"traceId": sent.trace_id, "spanId": "c" * 16, "name": "run", "kind": 5, "attributes": other}
    span |= {"startTimeUnixNano": now, "endTimeUnixNano": now}
    here.send("/v1/traces", {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]})
    assert_found(taskspans.examine(sent, exporting, 1), HEADERS_LOST)
    (without,) = taskspans.examine(canary(Backends()), exporting, 1)
    assert without.state == NOT_CONFIGURED


SKEW = plant(
    "a worker with another clock",
    "Celery",
    "spans and lines of tasks are out of order, and Loki refuses lines from too far ahead",
    "timedatectl set-ntp true",
)


def test_a_workers_clock() -> None:
    now = time.time()
    assert list(workers.skewed({"w@here": {"time": now - 2}})) == []
    assert_found(workers.skewed({"w@here": {"time": now - 60}}), SKEW)


STUCK = plant(
    "a worker that answers, and consumes no more",
    "Celery",
    "the workers run nothing else either: one consumes no more, or has lost its broker",
    "restart …; the log says what it has lost",
)


def test_a_worker_that_is_busy_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what workers answer of themselves; only where nothing is run is a canary that waits one."""
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 0.1)
    fleet_, ours = Fleet(app("memory://")), {"w@here", "v@here"}
    active: dict[str, Any] = {"w@here": [{"name": "shop.report"}, {"name": CANARY_TASK}], "v@here": []}
    monkeypatch.setattr(Fleet, "_asked", lambda *_: active)

    def waiting() -> Finding:
        return workers._waiting(canary(Backends()), fleet_, ours, "not run")

    assert (waiting().state, "not run: w@here runs other tasks" in waiting().says) == (NOT_CONFIGURED, True)
    active["w@here"].pop(0)
    assert_found([waiting()], STUCK)
    del active["v@here"]
    assert (waiting().state, "not run: v@here runs other tasks" in waiting().says) == (NOT_CONFIGURED, True)
