"""The project's application: makes Django log every statement, and breaks what a control wants broken."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from tests.faults.canary import broken


class CanaryConfig(AppConfig):
    """Named by the settings as `tests.faults.canary`."""

    name = "tests.faults.canary"
    label = "canary"

    def ready(self) -> None:
        """Before django_observe's own."""
        import_module("tests.faults.canary.celery")  # the application that `delay` publishes by
        broken.apply()
        logging.getLogger("django").setLevel(logging.DEBUG)
        connection_created.connect(_log_statements, dispatch_uid="canary")


def _log_statements(connection: Any, **_: object) -> None:
    connection.force_debug_cursor = True
