"""The Python of the pages on tests and on LOGGING is run in the project that it speaks of."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import unittest
from collections.abc import Iterator
from logging.config import DictConfigurator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from prometheus_client import REGISTRY, Counter

from django_observe import correlated
from django_observe.logcontext import ContextFilter
from django_observe.testing import Captured
from tests.docs.blocks import ROOT
from tests.docs.test_howtos import examples, with_part

ID = "order-4711-a"


def urls(view: Any) -> ModuleType:
    """A project whose one view is at orders/."""
    module = ModuleType("shop.urls")
    module.urlpatterns = [path("orders/", view)]  # type: ignore[attr-defined]
    return module


def outcome(page: str, name: str) -> unittest.TestResult:
    """What Django's own test case says, the page's one of that name."""
    case = with_part(page, f"class {name}(")[name]
    return unittest.defaultTestLoader.loadTestsFromTestCase(case).run(unittest.TestResult())


@pytest.fixture
def refused() -> Iterator[Counter]:
    counter = Counter("payments_refused_total", "Payments that were refused.")
    yield counter
    REGISTRY.unregister(counter)


def test_the_fixture(captured: Captured, refused: Counter) -> None:
    def orders(request: HttpRequest) -> HttpResponse:
        logging.getLogger("shop").warning("refused: %s", request.POST["card"])
        refused.inc()
        return HttpResponse(status=402)

    example = with_part("test.md", "def test_a_refused_payment")["test_a_refused_payment_is_logged"]
    with override_settings(ROOT_URLCONF=urls(orders)):
        example(Client(), captured)


@pytest.mark.django_db
@pytest.mark.parametrize("statements", [1, 2])
def test_the_context_manager(statements: int) -> None:
    def orders(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str([User.objects.count() for _ in range(statements)]))

    with override_settings(ROOT_URLCONF=urls(orders)):
        told = outcome("test.md", "Orders")
    assert (told.testsRun, told.errors, len(told.failures)) == (1, [], statements - 1)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["bill", "remind"])
def test_a_task(name: str) -> None:
    app = Celery("orders", set_as_current=False)
    app.conf.task_always_eager = True

    @app.task(name=f"orders.tasks.{name}", shared=False)
    def task() -> None:
        """Its name is all that the page says of it."""

    def orders(request: HttpRequest) -> HttpResponse:
        task.delay()
        return HttpResponse()

    with override_settings(ROOT_URLCONF=urls(orders)):
        told = outcome("test.md", "Billing")
    assert (told.testsRun, told.errors, len(told.failures)) == (1, [], int(name != "bill"))


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("shop", logging.INFO, __file__, 1, text, None, None)


def formatted(line: logging.LogRecord, part: str, name: str) -> str:
    """By the formatter of that name of the page's one LOGGING with `part`."""
    [text] = [text for text in examples("logging.md", "python") if part in text]
    names: dict[str, Any] = {"LOGGING": {"formatters": {}}}
    exec(text, names)  # noqa: S102 - our own page
    formatter = DictConfigurator({}).configure_formatter(names["LOGGING"]["formatters"][name])
    ContextFilter().filter(line)
    return str(formatter.format(line))


def test_the_id_in_ones_own_format() -> None:
    with correlated(ID):
        assert f"INFO [{ID}] shop: paid" in formatted(record("paid"), '"plain"', "plain")
    assert "INFO [-] shop: paid" in formatted(record("paid"), '"plain"', "plain")


def test_json_is_masked() -> None:
    line = json.loads(formatted(record("login password=hunter2"), '"version": 1', "json"))
    assert line["message"] == "login password=[redacted]"


def test_a_handler_that_is_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = with_part("logging.md", "FileHandler")
    logger = logging.getLogger("shop.audit")
    try:
        with correlated(ID):
            logger.warning("exported")
    finally:
        logger.removeHandler(made["handler"])
        made["handler"].close()
    assert (tmp_path / "audit.log").read_text().endswith(f"[{ID}] exported\n")


def test_our_lines_through_ones_own_handlers(tmp_path: Path) -> None:
    """The page's whole LOGGING, with its lines on our logger put into it, in a process of their own."""
    texts = examples("logging.md", "python")
    [whole] = [text for text in texts if text.startswith("LOGGING = {")]
    [ours] = [text for text in texts if text.startswith('LOGGING["loggers"]["django_observe.request"]')]
    (tmp_path / "shop_settings.py").write_text(
        f'from tests.settings import *\n{whole}\nLOGGING["loggers"] = {{}}\n{ours}'
    )
    program = (
        "import django; django.setup()\nfrom django.test import Client\n"
        "import logging; Client().get('/ok/')\nlogging.getLogger('shop').info('paid')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "PYTHONPATH": f"{tmp_path}:{ROOT}", "DJANGO_SETTINGS_MODULE": "shop_settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(line["logger"], line.get("status")) for line in lines] == [
        ("django_observe.request", 200),
        ("shop", None),
    ]


def test_the_id_that_a_project_shows_itself() -> None:
    footer = with_part("existing-project.md", "def footer")["footer"]
    with correlated(ID):
        assert footer(None) == {"request_id": ID}
