"""runserver's autoreload: a changed file restarts the process, and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

from tests.oneline.environments import Environment
from tests.oneline.output import complaints
from tests.oneline.service import served


def test_a_restart_by_autoreload_leaves_one_middleware_and_one_line(
    django_environment: Environment, project: Path
) -> None:
    views = project / "shop/views.py"
    before = views.read_text()
    with served(django_environment, "runserver", project) as service:
        views.write_text(before.replace('GREETING = "hello"', 'GREETING = "hello again"'))
        answer = service.process.wait_for(
            lambda: (answer := service.get("/")).text == "hello again" and answer, "the restarted server"
        )
        assert answer
        assert len(answer.headers.get_all("X-Correlation-ID", [])) == 1
        service.line(answer.headers["X-Correlation-ID"], event="request")
        assert service.get("/state/").text.count("ObserveMiddleware") == 1
        assert complaints(service.process.stderr) == []
    views.write_text(before)
