"""The user's project code, as Celery's "First steps with Django" has it; nothing of observability in it."""

from .celery import app as celery_app

__all__ = ("celery_app",)
