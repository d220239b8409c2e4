"""What every test has."""

from __future__ import annotations

from importlib.metadata import version


def pytest_report_header() -> str:
    """The versions a failure is to be read with."""
    names = ("django", "celery", "opentelemetry-sdk", "prometheus-client", "gunicorn", "uvicorn")
    return "django_observe: " + ", ".join(f"{name} {version(name)}" for name in names)
