"""`startproject` and the one line, without a view of its own, on the oldest and newest Pythons at hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oneline.environments import environment
from tests.oneline.output import complaints, json_lines
from tests.oneline.project import untouched
from tests.oneline.service import Service, served

PAGES = {"/": 200, "/nowhere/": 404, "/admin/login/": 200, "/metrics": 200, "/healthz": 200, "/readyz": 200}


@pytest.fixture(
    scope="module", params=[("5.2", None), ("4.2", 10), ("5.2", 13)], ids=["5.2", "4.2-py3.10", "5.2-py3.13"]
)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One gunicorn worker of the project."""
    found = environment(*request.param)
    project = untouched(found, tmp_path_factory.mktemp("untouched"))
    with served(found, "gunicorn sync", project) as service:
        yield service


@pytest.mark.parametrize(("path", "status"), PAGES.items(), ids=PAGES)
def test_every_page_carries_one_id(service: Service, path: str, status: int) -> None:
    answer = service.get(path)
    assert answer.status == status, answer.text
    assert len(answer.headers.get_all("X-Correlation-ID", [])) == 1


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/admin/login/"])
def test_every_page_of_the_projects_has_one_line_and_is_counted(service: Service, path: str) -> None:
    answer = service.get(path)
    line = service.line(answer.headers["X-Correlation-ID"], event="request")
    assert (line["service"], line["path"], line["status"]) == ("shop", path, answer.status)
    counted = "django_http_responses_total_by_status_total"
    assert service.sample(counted, status=str(answer.status)) >= 1


def test_it_is_ready_and_complains_of_nothing(service: Service) -> None:
    assert service.get("/readyz").text.startswith('{"status":"ok"')
    json_lines(service.process.stdout)
    assert complaints(service.process.stderr) == []
