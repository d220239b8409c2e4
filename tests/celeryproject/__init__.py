"""A Django project with Celery as its documentation has it; of ours it has the one line only."""

from tests.celeryproject.celery import app as celery_app

__all__ = ("celery_app",)
