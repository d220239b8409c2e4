"""Other kits in the project that tell what we would: until they are removed it is left to them.

django-prometheus' middlewares count requests; django-structlog and django-log-request-id write their lines.
"""

from __future__ import annotations

import logging
import sys
from functools import lru_cache
from types import ModuleType
from typing import NamedTuple

from django.utils.module_loading import import_string

from django_observe import conf
from django_observe.reporting import guard

STRUCTLOG, REQUEST_ID = "django-structlog", "django-log-request-id"
_STRUCTLOG = "django_structlog.middlewares.request"
_STRUCTLOG_TASKS = "django_structlog.celery.receivers"
_REQUEST_ID = "log_request_id.middleware"


class Superseded(NamedTuple):
    """Entries of MIDDLEWARE that count into the same families as we do: they can be removed."""

    paths: tuple[str, ...] = ()
    before: bool = False
    """Whether one of them is, or extends, PrometheusBeforeMiddleware."""
    after: bool = False


def superseded() -> Superseded:
    """What MIDDLEWARE has of them; imports neither django_prometheus nor prometheus_client if it has none."""
    classes = _classes()
    theirs = sys.modules.get("django_prometheus.middleware")
    if theirs is None:
        return Superseded()
    known = (theirs.PrometheusBeforeMiddleware, theirs.PrometheusAfterMiddleware)
    found = {path: middleware for path, middleware in classes.items() if issubclass(middleware, known)}
    before, after = (any(issubclass(each, parent) for each in found.values()) for parent in known)
    return Superseded(tuple(found), before, after)


@lru_cache(maxsize=1)
def are_requests_told() -> bool:
    """Whether one of `tellers_of_requests` is there; asked with the first request, when all is loaded."""
    with guard("superseded"):
        return bool(tellers_of_requests())
    return False


@lru_cache(maxsize=1)
def are_tasks_told() -> bool:
    """Whether django-structlog writes lines of what this Celery worker runs, and is heard."""
    with guard("superseded"):
        return _has_teller_of_tasks()
    return False


def tellers_of_requests() -> dict[str, str]:
    """Entries of MIDDLEWARE that write a line for each request, and are heard, with the kit; imports none."""
    known: dict[str, type] = {}
    structlog, request_id = sys.modules.get(_STRUCTLOG), sys.modules.get(_REQUEST_ID)
    if structlog is not None and _is_heard(_STRUCTLOG, by_structlog=True):
        known[STRUCTLOG] = structlog.RequestMiddleware
    if (
        request_id is not None
        and getattr(request_id.settings, "LOG_REQUESTS", False)
        and _is_heard(_REQUEST_ID)
    ):
        known[REQUEST_ID] = request_id.RequestIDMiddleware
    classes = _classes() if known else {}
    return {path: kit for path, each in classes.items() for kit in known if issubclass(each, known[kit])}


def are_tasks_to_be_told() -> bool:
    """Whether django-structlog's setting asks for lines of tasks, and they would be heard."""
    theirs = sys.modules.get("django_structlog.app_settings")
    asked = theirs is not None and getattr(theirs.app_settings, "CELERY_ENABLED", False)
    return bool(asked) and _is_heard(_STRUCTLOG_TASKS, by_structlog=True)


def _has_teller_of_tasks() -> bool:
    signals, theirs = sys.modules.get("celery.signals"), sys.modules.get(_STRUCTLOG_TASKS)
    if signals is None or theirs is None:
        return False
    receivers = (each[1] for each in signals.task_success.receivers)
    told = any(isinstance(_owner(each), theirs.CeleryReceiver) for each in receivers)
    return told and _is_heard(_STRUCTLOG_TASKS, by_structlog=True)


def _owner(receiver: object) -> object:
    """What a receiver is a method of; Celery keeps a reference to it."""
    called = receiver() if callable(receiver) and hasattr(receiver, "__callback__") else receiver
    return getattr(called, "__self__", None)


def _is_heard(name: str, *, by_structlog: bool = False) -> bool:
    """Whether a line at INFO gets anywhere; structlog's own loggers, which print, are heard."""
    structlog: ModuleType | None = sys.modules.get("structlog")
    if by_structlog and structlog is not None:
        factory = structlog.get_config()["logger_factory"]
        if not isinstance(factory, structlog.stdlib.LoggerFactory):
            return True
    logger = logging.getLogger(name)
    return logger.isEnabledFor(logging.INFO) and logger.hasHandlers()


def _classes() -> dict[str, type]:
    found = {}
    for path in conf.middleware():
        with guard("superseded"):
            middleware = import_string(path)
            if isinstance(middleware, type):
                found[path] = middleware
    return found
