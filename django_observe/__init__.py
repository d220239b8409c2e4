"""Observability for Django microservices by one line: `INSTALLED_APPS += ["django_observe"]`."""

from django_observe.correlation import correlated, correlation_id, rebind

__all__ = ["correlated", "correlation_id", "rebind"]
