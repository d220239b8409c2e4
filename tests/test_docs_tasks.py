"""The examples of docs/how-to/celery.md and background-tasks.md do what they say."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
import pytest
from django.test import override_settings
from django_tasks import task_backends

from django_observe import correlated, tasktrace, threads
from django_observe.testing import captured
from tests import settings

HOW_TO = Path(__file__).parents[1] / "docs/how-to"
IMMEDIATE = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
A_DAY = {"x_published_at": "1000.000000"}, "1970-01-02T00:00:00+00:00"
"""Headers and ETA of a run due a day after its publish."""


def run_example(page: str, part: str, **names: Any) -> dict[str, Any]:
    """What the page's one example with `part` defines, where those names are at hand."""
    examples = re.findall(r"^```python\n(.*?)^```$", (HOW_TO / page).read_text(), re.MULTILINE | re.DOTALL)
    [code] = [each for each in examples if part in each]
    names["__name__"] = __name__
    exec(code, names)  # noqa: S102 - our own page
    return names


@pytest.mark.parametrize(
    ("name", "relation"),
    [("shop.tasks.nightly", "new"), ("reports.tasks.weekly", "link"), ("shop.tasks.invoice", "child")],
)
def test_celery(name: str, relation: str) -> None:
    with override_settings(DJANGO_OBSERVE=run_example("celery.md", "TASK_TRACE")["DJANGO_OBSERVE"]):
        assert tasktrace.relation(name, *A_DAY, eager=False) == relation


@pytest.mark.skipif(django.VERSION < (5, 2), reason="django-tasks-db wants Django 5.2")
def test_the_settings_of_background_tasks() -> None:
    example = run_example("background-tasks.md", "TASKS =", INSTALLED_APPS=[*settings.INSTALLED_APPS])
    with override_settings(INSTALLED_APPS=example["INSTALLED_APPS"], TASKS=example["TASKS"]):
        assert type(task_backends["default"]).__module__ == "django_tasks_db.backend"


def test_the_packages_whose_threads_begin_clean() -> None:
    page = (HOW_TO / "threads.md").read_text()
    named = page.partition("begin with nothing")[2].partition(". So does")[0]
    assert set(re.findall(r"`(\w+)`", named)) == threads.SHARED


def test_background_tasks() -> None:
    installed = [*settings.INSTALLED_APPS, "django_tasks"]
    with override_settings(INSTALLED_APPS=installed, TASKS=IMMEDIATE), captured() as told:
        with correlated("request-0"):
            run_example("background-tasks.md", "@task", order=SimpleNamespace(pk=1))
        [line] = [line for line in told.lines if line["message"] == "sending"]
        [run] = told.tasks()
    assert (line["correlation_id"], run.correlation_id) == ("request-0", "request-0")
    assert run.trace is not None
    assert line["trace_id"] == run.trace.trace_id
