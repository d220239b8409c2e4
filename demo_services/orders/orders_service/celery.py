"""The Celery application that publishes events; this service runs no worker."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings

from demo_services import filesystembroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orders_service.settings")


def transport_options(broker_url: str, state: Path) -> dict[str, Any]:
    """Fail a publish within about a second when the broker is away; the outbox tries again later."""
    if not broker_url.startswith("filesystem:"):
        return {"socket_connect_timeout": 1, "socket_timeout": 2, "max_retries": 1, "interval_start": 0}
    return filesystembroker.installed(state / "broker")


app = Celery("orders", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    broker_connection_timeout=1,
    broker_transport_options=transport_options(settings.CELERY_BROKER_URL, settings.DEMO_STATE),
    task_ignore_result=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
)
