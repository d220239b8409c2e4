"""The notifications service: tells customers by mail what happened to their orders."""

from notifications_service.celery import app as celery_app

__all__ = ["celery_app"]
