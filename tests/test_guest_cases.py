"""What big projects' own test suites found, each as the smallest case of it."""

from __future__ import annotations

import importlib
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.test import override_settings

from django_observe import reporting

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "logging", [{"version": 1, "disable_existing_loggers": True}, {"version": 1}], ids=["asked", "default"]
)
def test_checks_find_nothing_in_settings_that_are_not_ours(logging: dict[str, object]) -> None:
    """django-debug-toolbar's tests compare all of `run_checks()`; others run `--fail-level WARNING`."""
    with override_settings(LOGGING=logging):
        assert checks.run_checks() == []


@override_settings(ROOT_URLCONF="")
def test_a_project_without_urls_is_checked_without_a_fault() -> None:
    """Such as one of workers alone. django-prometheus is imported by the first record that is counted."""
    importlib.import_module("django_prometheus")
    before = reporting.failures()
    assert checks.run_checks() == []
    assert reporting.failures() == before


def test_caplog_holds_the_same_records_as_without_us(caplog: pytest.LogCaptureFixture) -> None:
    """The root logger stays at Python's own level: a project's INFO lines are no news to its exact lists."""
    with override_settings(DJANGO_OBSERVE={}):
        logging.getLogger("shop").info("not without us")
        logging.getLogger("shop").warning("always")
    assert [record.getMessage() for record in caplog.records] == ["always"]


# --- OpenTelemetry (a project that traces by hand has chosen what it passes on before any app is ready)

CHOSEN = """
import django
from opentelemetry import propagate
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
propagate.set_global_textmap(TraceContextTextMapPropagator())
django.setup()
from django_observe import correlated
with correlated("chosen-0001"):
    caller = {"traceparent": "00-%s-%s-01" % ("ab" * 16, "cd" * 8), "tracestate": "vendor=1"}
    sent = {}
    propagate.inject(sent, propagate.extract(caller))
print(sent == {**caller, "x-correlation-id": "chosen-0001"}, sent)
"""


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:9"], ids=["no endpoint", "endpoint"])
def test_a_propagator_that_the_project_has_set_stays(endpoint: str) -> None:
    variables = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""}
    if endpoint:
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    ran = subprocess.run(
        [sys.executable, "-c", CHOSEN], env=variables, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.startswith("True "), ran.stdout


# --- What Django shows of itself: projects' tests compare some of it exactly

PAGE = (ROOT / "docs/explanation/guest.md").read_text()
SHOWN = """
import json, signal, sys, threading, warnings
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *sys.argv[1:]],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LOGGING={"version": 1, "disable_existing_loggers": False, "root": {"handlers": [], "level": "ERROR"}},
)
django.setup()
import logging
from django.apps import apps
from django.contrib.auth import signals as _
from django.core.checks import registry, run_checks
from django.core.management import get_commands
from django.db import connection
from django.dispatch import Signal
from django.template import engines
from django.test import signals as _
connection.ensure_connection()
shown = {
    f"signal {label}": sum(getattr(receiver[1], "__module__", "").startswith("django_observe")
                           for receiver in each.receivers)
    for module in list(sys.modules.values()) if module.__name__.startswith("django.")
    for label, each in vars(module).items() if isinstance(each, Signal)
}
for level, name in ((logging.ERROR, None), (logging.NOTSET, "django"), (logging.NOTSET, "django.request")):
    logger = logging.getLogger(name)
    shown[f"logger {name}"] = [logger.level, len(logger.handlers), len(logger.filters)]
shown |= {
    "execute_wrappers": len(connection.execute_wrappers),
    "MIDDLEWARE": settings.MIDDLEWARE,
    "commands": sorted(get_commands()),
    "models": [str(model) for model in apps.get_models()],
    "findings": [str(finding) for finding in run_checks()],
    "filters of warnings": len(warnings.filters),
    "hooks": [str(sys.excepthook), str(threading.excepthook), signal.getsignal(signal.SIGTERM)],
    "threads": threading.active_count(),
    "record factory": str(logging.getLogRecordFactory()),
}
print(json.dumps(shown))
"""


def shown(*apps: str) -> dict[str, Any]:
    """What a project's tests could look at, in an interpreter of its own."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", SHOWN, *apps],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def test_what_a_project_can_see_is_this_and_the_page_names_all_of_it() -> None:
    """Django's own tests compare lists of receivers and wrappers: one entry more is one failure there."""
    without, with_us = shown(), shown("django_observe")
    differing = {name: with_us[name] for name in with_us if with_us[name] != without[name]}
    assert differing == {
        "execute_wrappers": 1,
        "MIDDLEWARE": ["django_observe.middleware.ObserveMiddleware", *without["MIDDLEWARE"]],
        "commands": sorted([*without["commands"], "observe"]),
        "signal connection_created": 1,
        "signal got_request_exception": 1,
        "signal post_save": 1,
        "signal setting_changed": with_us["signal setting_changed"],
    }
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {name.removeprefix("signal ") for name in differing} - {"commands"} <= named
