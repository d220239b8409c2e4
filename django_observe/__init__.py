"""Observability for Django microservices by one line: `INSTALLED_APPS += ["django_observe"]`."""

from django_observe import renamed
from django_observe.correlation import correlated, correlation_id, rebind
from django_observe.messages import continued, outgoing

__all__ = ["continued", "correlated", "correlation_id", "flush", "outgoing", "rebind"]

renamed.install(__name__)


def flush(timeout: float) -> bool:
    """Sends the spans and log records that wait for OTLP; True only if all were taken in `timeout` seconds.

    Waits no longer than that, whatever the receiver does. What was not taken goes on waiting.
    """
    from django_observe import export  # here, as most processes never call it

    return export.flush(timeout)
