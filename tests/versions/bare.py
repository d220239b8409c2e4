"""`startproject` and the one line where no extra is installed: what a first `pip install` gives."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.oneline.environments import TESTED, environment
from tests.oneline.output import complaints
from tests.oneline.project import untouched
from tests.oneline.service import served

EXTRAS = ("celery", "gunicorn", "httpx", "platformdirs", "psycopg", "redis", "rest_framework", "uvicorn")


@pytest.mark.parametrize("name", EXTRAS)
def test_nothing_optional_is_here(name: str) -> None:
    assert find_spec(name) is None


def test_one_line_gives_an_id_a_line_a_count_and_no_complaint(tmp_path: Path) -> None:
    [version] = TESTED
    found = environment(version)
    with served(found, "runserver", untouched(found, tmp_path)) as service:
        identifier = service.get("/nowhere/").headers["X-Correlation-ID"]
        line = service.line(identifier, event="request")
        assert (line["service"], line["path"], line["status"]) == ("shop", "/nowhere/", 404)
        assert 'django_http_responses_total_by_status_total{status="404"} 1.0' in service.get("/metrics").text
        assert complaints(service.process.stderr) == []
