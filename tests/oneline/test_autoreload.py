"""runserver's autoreload: a changed file restarts the process, and nothing is there twice."""

from __future__ import annotations

import os
from pathlib import Path

from tests.oneline.environments import Environment
from tests.oneline.output import complaints
from tests.oneline.service import Service, served
from tests.processes import wait_until


def test_a_restart_by_autoreload_leaves_one_middleware_and_one_line(
    django_environment: Environment, project: Path
) -> None:
    views = project / "shop/views.py"
    before = views.read_text()
    with served(django_environment, "runserver", project) as service:
        views.write_text(before.replace('GREETING = "hello"', 'GREETING = "hello again"'))
        wait_until(lambda: restarted(service, views), "the restarted server")
        answer = service.get("/")
        assert len(answer.headers.get_all("X-Correlation-ID", [])) == 1
        service.line(answer.headers["X-Correlation-ID"], event="request")
        assert service.get("/state/").text.count("ObserveMiddleware") == 1
        assert complaints(service.process.stderr) == []
    views.write_text(before)


def restarted(service: Service, views: Path) -> bool:
    """Whether the new text is served; if not, touches the file: the reloader may have looked too late."""
    if service.get("/").text == "hello again":
        return True
    os.utime(views)
    return False
