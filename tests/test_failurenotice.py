"""What the guard keeps from the service is told on stderr: seldom, masked, and not at another's cost."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from django_observe import failurenotice, reporting

LINE = r"django_observe: (\S+): (.+) \((\S+:[0-9]+)\); not raised, ([0-9]+) so far\n"


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing has been told yet, and these tests want it told."""
    monkeypatch.setattr(failurenotice, "_next", {})
    with override_settings(DJANGO_OBSERVE={"LOG_FORMAT": "json"}):
        yield


def fail(place: str, error: Exception) -> int:
    """How often `place` has failed, now that it has done so once more."""
    with reporting.guard(place):
        raise error
    return reporting.failures()[place]


def test_a_place_is_told_at_once_and_then_once_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(failurenotice, "monotonic", lambda: now)
    count = fail("shop.reporters", KeyError("status"))
    fail("shop.reporters", KeyError("status"))
    fail("shop.others", ValueError())
    now += failurenotice.FAILURE_SECONDS
    fail("shop.reporters", TypeError("other"))
    told = re.findall(LINE, capsys.readouterr().err)
    origin = told[0][2]
    assert origin.startswith(f"{__file__}:")
    assert told == [
        ("shop.reporters", "KeyError: 'status'", origin, str(count)),
        ("shop.others", "ValueError: ", origin, "1"),
        ("shop.reporters", "TypeError: other", origin, str(count + 2)),
    ]


def test_no_secret_is_told_and_a_message_is_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    fail("shop", RuntimeError("password=hunter2\n\x1b[31mred\n" + 10_000 * "long "))
    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert "password=[redacted] [31mred long" in told
    assert re.fullmatch(LINE, told)
    assert len(told) < 512


def test_it_is_silent_in_tests_that_leave_the_format_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with override_settings(DJANGO_OBSERVE={}):
        fail("shop", RuntimeError())
    assert capsys.readouterr().err == ""
    fail("shop", RuntimeError())
    assert re.fullmatch(LINE, capsys.readouterr().err)


class Unreadable(Exception):  # noqa: N818 - no error of its own
    """What cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError


def test_a_fault_in_telling_is_counted_and_told_no_further(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reporting.failures().get("notice", 0)
    fail("shop", Unreadable())
    assert "Unreadable: [unreadable]" in capsys.readouterr().err
    monkeypatch.setattr(failurenotice, "monotonic", None)
    fail("shop", RuntimeError())
    assert reporting.failures()["notice"] == before + 1
    assert capsys.readouterr().err == ""


class Logs:
    """What stands in for stderr in a Celery worker: it logs what is written."""

    def write(self, text: str) -> None:
        """As Celery's LoggingProxy."""
        logging.getLogger("celery.redirected").warning(text)


def test_nothing_is_logged_where_stderr_is_a_logger(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stderr", Logs())
    with open(os.dup(2), "w", encoding="utf-8") as own:  # noqa: PTH123 - by its descriptor
        monkeypatch.setattr(sys, "__stderr__", own)
        fail("shop", RuntimeError("told"))
    assert caplog.records == []
    assert "shop: RuntimeError: told" in capfd.readouterr().err


def test_the_page_shows_the_line_as_it_is() -> None:
    page = Path(__file__).parents[1] / "docs/how-to/replace-a-reporter.md"
    assert re.search(f"`{LINE.removesuffix(chr(92) + 'n')}`", page.read_text())


PROJECT = """
SECRET_KEY = "only for tests"
ROOT_URLCONF = "shop"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["django_observe"]
DJANGO_OBSERVE = {"TRACES": "shop.report"}
urlpatterns = []
def report(record):
    raise LookupError(record.method)
"""
SCRIPT = """
import sys, django
django.setup()
__import__("logging").getLogger("django.request").setLevel("CRITICAL")
from django.test import Client
assert "django_observe.failurenotice" not in sys.modules
for number in range(20):
    assert Client().get("/orders/").status_code == 404
"""


def test_a_service_whose_reporter_fails_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PROJECT)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop", "PYTHONPATH": path}
    argv = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    told = re.fullmatch(LINE, ran.stderr)
    assert told is not None, ran.stderr
    assert told.group(1, 2, 4) == ("shop", "LookupError: GET", "1")
    assert told[3].startswith(str(tmp_path / "shop.py"))
