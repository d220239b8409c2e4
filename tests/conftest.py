"""What every test has."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from hypothesis import settings

settings.load_profile("ci")  # no deadlines, and the same examples each time, here as there


def pytest_report_header() -> str:
    """The versions a failure is to be read with."""
    names = ("django", "celery", "opentelemetry-sdk", "prometheus-client", "gunicorn", "uvicorn")
    return "django_observe: " + ", ".join(filter(None, map(_installed, names)))


def _installed(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def pytest_collection() -> None:
    """Breaks what a run of tests/faults/test_broken.py wants broken, before any test is imported."""
    if "FAULTS_BREAK" in os.environ:
        from tests.faults import breakages

        breakages.apply()


@pytest.fixture(scope="session", autouse=True)
def logging_stays() -> None:
    """Django 6.1 configures logging anew where a test changes LOGGING, and so disables loggers."""
    from django.test import signals

    if (configure := getattr(signals, "update_logging_config", None)) is not None:
        signals.setting_changed.disconnect(configure)


@pytest.fixture(params=["urllib3", "requests"])
def otlp_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Batches are sent by each of both; an empty netrc is enough for requests to be asked."""
    if request.param == "requests":
        (tmp_path / "empty").touch()
        monkeypatch.setenv("NETRC", str(tmp_path / "empty"))
