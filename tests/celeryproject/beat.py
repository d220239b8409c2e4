"""The project's app with a schedule."""

from tests.celeryproject.celery import app
from tests.celeryproject.tasks import quick

__all__ = ["app"]

app.conf.beat_schedule = {"every moment": {"task": quick.name, "schedule": 1.5}}
