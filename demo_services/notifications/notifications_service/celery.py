"""The Celery application whose worker consumes the events of other services."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings

from demo_services import filesystembroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notifications_service.settings")


def transport_options(broker_url: str, state: Path) -> dict[str, Any]:
    """The folders of the filesystem transport, which producers and consumers share; no other needs any."""
    if not broker_url.startswith("filesystem:"):
        return {}
    return {**filesystembroker.installed(state / "broker"), "polling_interval": 0.1}


app = Celery(
    "notifications", broker=settings.CELERY_BROKER_URL, task_cls="demo_services.faults.work:FaultyTask"
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options=transport_options(settings.CELERY_BROKER_URL, settings.DEMO_STATE),
    task_acks_late=True,
    task_default_queue="notifications",
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)
app.autodiscover_tasks()
