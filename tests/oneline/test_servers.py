"""One line in a fresh project, under every server: all signals, and no complaint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oneline.environments import Environment
from tests.oneline.output import complaints, json_lines
from tests.oneline.project import SERVERS
from tests.oneline.service import Service, served

REQUESTS = "django_http_requests_total_by_view_transport_method_total"


@pytest.fixture(scope="module", params=SERVERS)
def service(
    request: pytest.FixtureRequest, django_environment: Environment, project: Path
) -> Iterator[Service]:
    with served(django_environment, request.param, project) as service:
        yield service


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "localhost", 200),
        ("/nowhere/", "localhost", 404),
        ("/broken/", "localhost", 500),
        ("/", "evil.test", 400),
    ],
    ids=["200", "404", "500", "DisallowedHost"],
)
def test_every_answer_carries_the_id_of_its_one_request_line(
    service: Service, path: str, host: str, status: int
) -> None:
    answer = service.get(path, Host=host)
    assert answer.status == status
    assert len(answer.headers.get_all("X-Correlation-ID", [])) == 1
    line = service.line(answer.headers["X-Correlation-ID"], event="request")
    assert (line["method"], line["path"], line["status"]) == ("GET", path, status)


def test_an_id_that_comes_in_is_kept(service: Service) -> None:
    assert (
        service.get("/", X_Correlation_ID="from-the-gateway").headers["X-Correlation-ID"]
        == "from-the-gateway"
    )


def test_the_projects_own_line_is_json_with_the_id(service: Service) -> None:
    identifier = service.get("/").headers["X-Correlation-ID"]
    line = service.line(identifier, message="a basket was opened")
    assert (line["level"], line["logger"], line["service"]) == ("INFO", "shop.views", "shop")


def test_a_failure_says_what_failed_on_the_request_line(service: Service) -> None:
    identifier = service.get("/broken/").headers["X-Correlation-ID"]
    line = service.line(identifier, event="request")
    assert line["error_type"] == "ZeroDivisionError"
    assert "broken on purpose" in line["error_message"]
    assert "views.py" in line["stack"]


def test_metrics_count_each_request_once(service: Service) -> None:
    before = service.sample(REQUESTS, view="home", method="GET")
    for _ in range(3):
        service.get("/")
    assert service.sample(REQUESTS, view="home", method="GET") == before + 3


def test_metrics_come_as_openmetrics_when_asked(service: Service) -> None:
    service.get("/")
    answer = service.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert any(line.startswith(REQUESTS) for line in answer.text.splitlines())
    assert answer.text.endswith("# EOF\n")


def test_alive_and_ready(service: Service) -> None:
    assert service.get("/healthz").status == 200
    ready = service.get("/readyz")
    assert ready.status == 200, ready.text
    assert "database" in ready.text


def test_one_middleware_and_no_thread_of_ours_without_an_endpoint(service: Service) -> None:
    state = service.get("/state/").text
    assert state.count("django_observe.middleware.ObserveMiddleware") == 1
    assert not re.search("otel|opentelemetry|observe-|export", state.split("middleware")[0], re.IGNORECASE)


def test_all_of_stdout_is_json_and_stderr_has_no_complaint(service: Service) -> None:
    identifier = service.get("/broken/").headers["X-Correlation-ID"]
    service.line(identifier, event="request")
    assert json_lines(service.process.stdout)
    assert complaints(service.process.stderr) == []
