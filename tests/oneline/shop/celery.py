"""The project's Celery application and its one task."""

import logging
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

logger = logging.getLogger(__name__)
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task
def bill(number: int) -> int:
    """Bills basket `number`."""
    logger.info("basket %s was billed", number)
    return number
