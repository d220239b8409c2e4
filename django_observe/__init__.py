"""Observability for Django microservices by one line: `INSTALLED_APPS += ["django_observe"]`."""

from django_observe.correlation import correlated, correlation_id, rebind
from django_observe.messages import continued, outgoing

__all__ = ["continued", "correlated", "correlation_id", "outgoing", "rebind"]
