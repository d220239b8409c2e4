"""Other kits, each set up as its own page says (read on 2026-11-21)."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGES = Path(__file__).resolve().parents[3] / "docs/how-to"

Settings = dict[str, Any]


def wire(kit: str, settings: Settings) -> None:
    """Adds to a settings module what the page of `kit` asks for."""
    KITS[kit](settings)


def guid(settings: Settings) -> None:
    """django-guid: README, "Configuration"."""
    settings["INSTALLED_APPS"].append("django_guid")
    settings["MIDDLEWARE"].insert(0, "django_guid.middleware.guid_middleware")
    settings["LOGGING"] = _text("correlation_id", "django_guid.log_filters.CorrelationId")


def request_id(settings: Settings) -> None:
    """django-log-request-id: README, "Installation and usage" to "Logging all requests"."""
    settings["MIDDLEWARE"].insert(0, "log_request_id.middleware.RequestIDMiddleware")
    settings["LOGGING"] = _text("request_id", "log_request_id.filters.RequestIDFilter")
    settings["LOG_REQUEST_ID_HEADER"] = "HTTP_X_REQUEST_ID"
    settings["GENERATE_REQUEST_ID_IF_NOT_IN_HEADER"] = True
    settings["REQUEST_ID_RESPONSE_HEADER"] = "X-Request-ID"
    settings["LOG_REQUESTS"] = True


def structlog(settings: Settings) -> None:
    """django-structlog: "Getting started", with "Standard Loggers" and Celery."""
    import structlog

    level = "ERROR" if os.environ.get("SILENT") == "1" else "INFO"
    settings["INSTALLED_APPS"].append("django_structlog")
    settings["MIDDLEWARE"].append("django_structlog.middlewares.RequestMiddleware")
    settings["DJANGO_STRUCTLOG_CELERY_ENABLED"] = True
    settings["LOGGING"] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json_formatter": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(),
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.processors.TimeStamper(fmt="iso"),
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.PositionalArgumentsFormatter(),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json_formatter"}},
        "loggers": {
            "django_structlog": {"handlers": ["console"], "level": level},
            "shop": {"handlers": ["console"], "level": "INFO"},
        },
    }
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def prometheus(settings: Settings) -> None:
    """django-prometheus: README, "Quickstart" to "Monitoring your models"; its URLs are in urls.py."""
    settings["INSTALLED_APPS"] += ["django_prometheus", "tests.migration.project"]
    settings["MIDDLEWARE"][:] = [
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        *settings["MIDDLEWARE"],
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ]
    settings["DATABASES"]["default"]["ENGINE"] = "django_prometheus.db.backends.sqlite3"
    settings["CACHES"]["default"]["BACKEND"] = "django_prometheus.cache.backends.locmem.LocMemCache"


def moved(page: str) -> Callable[[Settings], None]:
    """The service after the last step of a page: its blocks of settings are run."""

    def wire(settings: Settings) -> None:
        found = re.findall(r"```python\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
        for block in map(textwrap.dedent, found):
            if block.startswith("DJANGO_OBSERVE = ") or "structlog.configure(" in block:
                exec(block, settings)  # noqa: S102 - our own page
                return

    return wire


def moved_from_guid(settings: Settings) -> None:
    """The formats stay, without the filter."""
    settings["LOGGING"] = _text("correlation_id", None)
    moved("move-from-django-guid")(settings)


def none(_: Settings) -> None:
    """The service when the other kit was removed."""


def opentelemetry(_: Settings) -> None:
    """OpenTelemetry by hand is started in wsgi.py, or by `opentelemetry-instrument` around the server."""


def _text(name: str, path: str | None) -> Settings:
    """LOGGING as the pages of both ID kits have it, for all loggers; None: without a filter."""
    filters = {name: {"()": path}} if path else {}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": filters,
        "formatters": {"medium": {"format": f"%(levelname)s [%({name})s] %(name)s %(message)s"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "medium", "filters": [*filters]}
        },
        "root": {"handlers": ["console"], "level": "INFO"},
    }


KITS: dict[str, Callable[[Settings], None]] = {
    "guid": guid,
    "request_id": request_id,
    "structlog": structlog,
    "prometheus": prometheus,
    "opentelemetry": opentelemetry,
    "instrument": opentelemetry,
    "none": none,
    "moved from guid": moved_from_guid,
    "moved from structlog": moved("move-from-django-structlog"),
}
