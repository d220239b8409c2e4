"""The one line under servers besides those of the whole matrix: all signals, also at reloads and ends."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import django
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.collector import Collector
from tests.faults.endings import LIMIT, measured, seconds_to_end
from tests.oneline.environments import Environment
from tests.oneline.life import ASKED, CONTINUED, HOME, LEFT, Life, lived, started
from tests.oneline.otherservers import SERVERS, needed
from tests.oneline.output import json_lines
from tests.oneline.project import startproject
from tests.oneline.service import Service
from tests.processes import wait_until

SAID = re.compile(r"INFO: |django_observe:")
"""What is on stderr besides: by uvicorn's parent process, and by us of losses."""


@pytest.fixture(scope="module")
def here() -> Environment:
    """The running interpreter: the servers are among what the tests need, not in the matrix."""
    return Environment(django.get_version(), Path(sys.executable).parent)


@pytest.fixture(scope="module")
def shop(here: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return startproject(here, tmp_path_factory.mktemp("otherservers"))


@pytest.fixture(scope="module", params=SERVERS)
def life(request: pytest.FixtureRequest, here: Environment, shop: Path) -> Life:
    """One life of each server; the tests only look at it."""
    needed(request.param)
    return lived(SERVERS[request.param], here, shop)


@pytest.mark.parametrize("asked", [*ASKED, "no Host", "continued"])
def test_every_answer_carries_the_id_of_its_one_request_line(life: Life, asked: str) -> None:
    identifier = life.identifier(asked)
    lines = [line for line in life.lines if line["correlation_id"] == identifier and "event" in line]
    assert [line["status"] for line in lines] == [life.answers[asked].status]
    if asked in {"404", "500"}:
        assert life.answers[asked].status == int(asked)
    if asked == "stream":
        assert (life.answers[asked].body, lines[0]["bytes_out"]) == (b".....", 5)


def test_who_leaves_in_mid_stream_is_told_as_aborted_where_the_server_says_so(life: Life) -> None:
    events = [line["event"] for line in life.lines if line["correlation_id"] == LEFT]
    assert events == ["request_aborted" if life.server.sees_clients_leave else "request"]


def test_an_id_and_a_trace_that_come_in_are_continued(life: Life) -> None:
    assert life.identifier("continued") == CONTINUED["X_Correlation_ID"]
    [line] = [
        line
        for line in life.lines
        if line["correlation_id"] == CONTINUED["X_Correlation_ID"] and "event" in line
    ]
    assert line["trace_id"] == CONTINUED["traceparent"].split("-")[1]
    assert line["trace_id"] in life.traces


@pytest.mark.parametrize("asked", ["200", "continued"])
def test_the_projects_own_line_carries_the_id(life: Life, asked: str) -> None:
    lines = [line for line in life.lines if line["message"] == "a basket was opened"]
    [own] = [line for line in lines if line["correlation_id"] == life.identifier(asked)]
    assert (own["level"], own["logger"], own["service"]) == ("INFO", "shop.views", "shop")


def test_it_is_ready(life: Life) -> None:
    assert life.ready.status == 200, life.ready.text
    assert "database" in life.ready.text


def test_exemplars_name_traces_that_arrive(life: Life) -> None:
    assert life.openmetrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(life.openmetrics.text)  # type: ignore[no-untyped-call]
    exemplars = [sample.exemplar for family in families for sample in family.samples if sample.exemplar]
    named = {exemplar.labels["trace_id"] for exemplar in exemplars}
    assert named
    assert named <= life.traces


def test_all_lines_are_json_the_servers_own_too_and_each_is_told_once(life: Life) -> None:
    own = [line["message"] for line in life.lines if line["logger"] == life.server.logger]
    if life.server.own_stream == "stderr":
        own = [
            line["message"] for line in json_lines(life.stderr, SAID) if line["logger"] == life.server.logger
        ]
    elif life.server.stream == "stdout":
        assert [line for line in life.stderr.splitlines() if not line.startswith("django_observe:")] == []
    assert bool(own) == (life.server.logger is not None)


def test_metrics_are_those_of_all_workers_the_ended_ones_too(life: Life) -> None:
    assert [told for _, told in life.counted] == [made for made, _ in life.counted]
    assert life.incomplete == 0
    assert len(life.workers[0]) == life.server.workers


def test_processes_deliver_before_they_end(life: Life) -> None:
    assert {life.identifier(asked) for asked in life.answers} <= life.delivered
    if life.server.reload is not None:
        assert not life.workers[0] & life.workers[1]


def test_the_end_comes_in_time_with_a_collector_that_hangs_and_losses_are_told(life: Life) -> None:
    assert life.status == life.server.status
    if life.server.reload is not None:
        assert "django_observe: traces: " in life.stderr
        assert "shutdown" in life.stderr
        assert life.seconds <= LIMIT


@pytest.mark.parametrize("name", ["waitress", "daphne"])
def test_the_end_of_those_that_never_reload(name: str, here: Environment, shop: Path) -> None:
    needed(name)

    def once() -> float:
        with Collector("hang") as collector, started(SERVERS[name], here, shop, collector) as service:
            service.get("/")
            took = seconds_to_end(service.process)
            assert service.process.popen.returncode == SERVERS[name].status
            assert "django_observe: traces: " in service.process.stderr
        return took

    assert measured(once) <= LIMIT


EXPORTED = {"OTEL_LOGS_EXPORTER": "otlp,console", "OTEL_BLRP_SCHEDULE_DELAY": "50"}


@pytest.fixture
def loud(shop: Path, tmp_path: Path) -> Path:
    """The shop, which logs while it is loaded."""
    project = tmp_path / "shop"
    shutil.copytree(shop, project)
    with (project / "shop/wsgi.py").open("a") as wsgi:
        wsgi.write("import logging\nlogging.getLogger(__name__).warning('loaded')\n")
    return project


def test_what_uwsgis_master_has_logged_costs_its_workers_nothing(here: Environment, loud: Path) -> None:
    """It forks without Python's own hooks, and its thread that exports stays in it."""
    needed("uWSGI")
    with Collector() as collector, started(SERVERS["uWSGI"], here, loud, collector, **EXPORTED) as service:
        identifier = service.get("/").headers["X-Correlation-ID"]
        wait_until(lambda: identifier in correlated(collector), "the lines of the worker")
        assert service.process.popen.poll() is None
    assert [log for log in collector.logs() if log.body == "loaded"]


def test_two_applications_in_one_uwsgi_each_have_their_own_metrics_and_deliver(
    here: Environment, loud: Path
) -> None:
    """The second has an interpreter of its own, and no files: they would be those of the first."""
    needed("uWSGI")
    twice = ("--mount", "/other=shop.wsgi:application", "--manage-script-name")
    server = replace(SERVERS["uWSGI"], argv=(*SERVERS["uWSGI"].argv, *twice))
    with Collector() as collector, started(server, here, loud, collector, **EXPORTED) as first:
        second = Service(first.process, f"{first.url}/other")
        first.get("/")
        identifiers = {second.get("/").headers["X-Correlation-ID"] for _ in range(2)}
        wait_until(lambda: identifiers <= correlated(collector), "the lines of the second")
        assert (first.sample(HOME, view="home"), first.sample("observe_scrape_incomplete")) == (1, 0)
        assert second.sample("observe_scrape_incomplete") == 1
        assert "Start a uWSGI for each application." in first.process.stderr


def correlated(collector: Collector) -> set[str]:
    """The IDs of the log records that have arrived."""
    return {str(log.attributes.get("correlation_id")) for log in collector.logs()}
