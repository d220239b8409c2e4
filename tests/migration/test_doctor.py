"""What the doctor says of log lines where another kit writes some in place of ours."""

from __future__ import annotations

from tests.doctor.running import doctor


def test_lines_that_another_kit_writes_are_not_said_to_be_ours() -> None:
    project = {"DJANGO_SETTINGS_MODULE": "tests.migration.project.settings", "KIT": "structlog"}
    [says] = [each.says for each in doctor(variables=project).findings if each.hop == "log lines"]
    assert says.startswith("those of consumers go to ")
    assert (
        "; of requests django_structlog.middlewares.RequestMiddleware writes its own instead (W007)" in says
    )
    assert says.endswith("; of tasks django-structlog writes its own instead (W007)")
