"""The service's Celery application and its one task; the other kit's part in a worker as its page has it."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")

if os.environ["KIT"] == "structlog":
    from django_structlog.celery.steps import DjangoStructLogInitStep

    app.steps["worker"].add(DjangoStructLogInitStep)


@worker_process_init.connect(weak=False)
def trace(**_: Any) -> None:
    """OpenTelemetry's Celery page: in each process, after the fork."""
    if os.environ["KIT"] == "opentelemetry":
        from tests.migration.project import tracing

        tracing.start()


@app.task(name="shop.bill")
def bill(number: int) -> None:
    """Bills an order."""
    logging.getLogger("shop").info("bill %d", number)
