"""The project that the rows drive: a service under either kit, whose places say what is bound there."""

from tests.conformance.project.celery import app as celery_app

__all__ = ["celery_app"]
