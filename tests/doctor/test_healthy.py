"""A set-up in which nothing is wrong: no finding. All real: a service, Celery, the console, Prometheus.

What needs the service and the console is planted here as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from django_observe.doctor import service, servicemetric, servicespan
from django_observe.doctor.backends import Backends
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from tests.console.running import Console, running, span_id, trace_id
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.running import SHARED, delivered, doctor, environment, gunicorn
from tests.doctor.scraping import scraping
from tests.doctor.serving import proxy
from tests.oneline.environments import ROOT
from tests.processes import Process, get, wait_until
from tests.settings import INSTALLED_APPS

SETTINGS = {"ALLOWED_HOSTS": ["127.0.0.1"]}
HOPS = {
    *("service name", "middleware", "log lines", "log lines: project", "sampling", "service"),
    *("OTLP traces", "OTLP logs", "clock", "metrics page", "service's metric", "service's export"),
    *("service's span", "Celery", "Celery: spans", "Prometheus"),
}

UNTRACED = plant(
    "a proxy takes the traceparent away",
    "service's span",
    "the canary's traceparent did not arrive: a proxy between takes it away",
    "between services, in nginx: proxy_set_header traceparent $http_traceparent;\n"
    'at the edge, in nginx: proxy_set_header X-Correlation-ID "";',
)
ELSEWHERE = plant(
    "the service's spans are exported elsewhere",
    "service's span",
    "it is exported elsewhere, its sampler drops it whoever asks, or it does not leave",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://…\n"
    "OTEL_TRACES_SAMPLER=parentbased_always_on    # both in the service's environment",
)
OWN_ELSEWHERE = plant(
    "the exporter of the project's own TracerProvider sends elsewhere",
    "service's span",
    "the exporter of the project's own TracerProvider sends it elsewhere, or does not reach it",
    "remove trace.set_tracer_provider(...)    # from manage.py, wsgi.py, asgi.py or the settings: the kit "
    "then sets its own",
)
SKEW = plant(
    "the service's clock is off, and a proxy's Date hides it",
    "service's span",
    "its clock is not this machine's: its spans and lines stand in the wrong places",
    "timedatectl set-ntp true    # on the one that timedatectl timesync-status finds off",
)


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def variables(console: Console) -> dict[str, str]:
    """The environment that the service and the doctor share."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": console.otlp, "OTEL_LOGS_EXPORTER": "otlp"}


@pytest.fixture(scope="module")
def shop(variables: dict[str, str]) -> Iterator[str]:
    with gunicorn({**environment(SETTINGS), **variables}, *SHARED, "--workers", "2") as url:
        yield url


@pytest.fixture
def celery(variables: dict[str, str], tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings of a project with Celery, one worker of which runs."""
    broker = tmp_path / "broker"
    broker.mkdir()
    folders = ("data_folder_in", "data_folder_out", "control_folder")
    settings = {
        **SETTINGS,
        "INSTALLED_APPS": [*INSTALLED_APPS, "tests.celeryproject"],
        "CELERY_BROKER_URL": "filesystem://",
        "CELERY_BROKER_TRANSPORT_OPTIONS": dict.fromkeys(folders, str(broker)),
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
    }
    env = {**environment(settings), **variables, "OBSERVE_WORKER_METRICS_PORT": "0", "C_FORCE_ROOT": "1"}
    argv = [sys.executable, "-m", "celery", "-A", "tests.celeryproject", "worker", "-P", "solo"]
    with Process([*argv, "-n", "one@here", "-l", "INFO"], cwd=ROOT, env=env) as worker:
        worker.wait_for_line("one@here ready")
        yield settings


def test_nothing_is_found_where_nothing_is_wrong(
    shop: str, console: Console, variables: dict[str, str], celery: dict[str, Any], tmp_path: Path
) -> None:
    jobs = {"shop": {"targets": shop.removeprefix("http://")}}
    with scraping(tmp_path, jobs) as prometheus:
        backends = {"console": console.pages, "prometheus": prometheus}
        settings = {**celery, "DJANGO_OBSERVE": {"BACKENDS": backends}}
        run = doctor("--json", "--timeout", "55", "--url", shop, settings=settings, variables=variables)
    findings = run.findings
    assert [each for each in findings if each.state == BROKEN] == []
    assert (run.status, run.document["broken"]) == (0, 0)
    fine = {each.hop for each in findings if each.state == OK}
    assert fine >= HOPS
    assert any(hop.startswith("console") for hop in fine)
    [counted] = [each.says for each in findings if each.hop == servicemetric.HOP]
    assert counted.endswith("an exemplar names its trace")
    names = {span["name"] for span in console.spans(run.document["trace_id"])}
    assert names >= {"observe doctor", "GET unmatched"}


@pytest.fixture
def canary(console: Console, sent: Canary, monkeypatch: pytest.MonkeyPatch) -> Canary:
    """Looked for in the console."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", console.otlp)
    return replace(sent, backends=Backends(console=console.pages, given=frozenset({"console"})))


def test_the_trace_is_lost_at_a_proxy(shop: str, canary: Canary) -> None:
    with proxy(shop, without=("traceparent",)) as before:
        at_proxy = replace(canary, urls=(before.url,), timeout=0.1)
        assert [each.state for each in service.examine(at_proxy)] == [OK]
        found = wait_until(lambda: _in_another_trace(at_proxy), "the service's own trace")
    diagnosed(found, UNTRACED, PLANTED[UNTRACED].change)


def _in_another_trace(canary: Canary) -> list[Finding]:
    found = list(servicespan.examine(canary))
    return found if "begun a trace of its own" in found[0].says else []


def test_a_span_that_is_nowhere(canary: Canary, console: Console) -> None:
    lost = replace(canary, answered={"http://shop": canary.correlation_id}, timeout=0.1)
    lost.delivered["traces"] = console.otlp
    change = PLANTED[ELSEWHERE].change.replace("http://…", console.otlp)
    diagnosed(servicespan.examine(lost), ELSEWHERE, change)
    own = replace(lost, own_exporters=("BatchSpanProcessor",))
    diagnosed(servicespan.examine(own), OWN_ELSEWHERE, PLANTED[OWN_ELSEWHERE].change)


@pytest.mark.parametrize(("seconds", "told"), [(-3_600, "3600 s before it was asked"), (3_600, "s from now")])
def test_a_span_of_another_time(canary: Canary, console: Console, seconds: int, told: str) -> None:
    here = replace(canary, trace_id=trace_id(), answered={"http://shop": canary.correlation_id})
    began = str(canary.started_ns + seconds * 10**9)
    span = {"traceId": here.trace_id, "spanId": span_id(), "name": "GET unmatched", "kind": 2}
    spans = [{**span, "startTimeUnixNano": began, "endTimeUnixNano": began}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    console.send("/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
    found = diagnosed(servicespan.examine(here), SKEW, PLANTED[SKEW].change)
    assert told in found.says


def test_nothing_is_looked_for_where_nothing_was_sent(canary: Canary, sent: Canary) -> None:
    answered = {"http://shop": canary.correlation_id}
    for one in (
        canary,
        replace(sent, answered=answered),
        replace(canary, answered={"http://shop": "0" * 32}),
    ):
        assert [each.state for each in servicespan.examine(one)] == [NOT_CONFIGURED]


def test_the_report_for_people(shop: str, variables: dict[str, str]) -> None:
    get(f"{shop}/ok/")
    wait_until(lambda: delivered(shop).keys() >= {"traces", "logs"}, "what the service has to export")
    plain = doctor(
        "--url", shop, settings=SETTINGS, variables={**variables, "OTEL_TRACES_SAMPLER": "always_off"}
    )
    lines = plain.stdout.splitlines()
    assert lines[0].startswith("canary doctor-")
    assert "ok              service name        shop, production (by the environment)" in lines
    assert lines[-5].startswith("sampling: no trace is kept")
    assert lines[-4].startswith("  cause   OTEL_TRACES_SAMPLER=always_off")
    assert lines[-3].startswith("  change  OTEL_TRACES_SAMPLER=parentbased_always_on")
    assert lines[-1].startswith("1 broken, 12 ok, ")
    assert "\x1b" not in plain.stdout
    assert plain.status == 1


def test_a_wrong_call_has_a_status_of_its_own() -> None:
    run = doctor("--url", "shop:8000")
    assert run.status == 2
    assert "shop:8000 is not a URL such as http://127.0.0.1:8000" in run.stderr
