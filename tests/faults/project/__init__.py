"""The smallest project with something to tell: one line of ours, the rest from the environment."""

from tests.faults.project.celery import app as celery_app

__all__ = ["celery_app"]
