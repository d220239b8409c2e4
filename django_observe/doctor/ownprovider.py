"""A TracerProvider that the project's own code sets: the kit uses it, and leaves export to its processors."""

from __future__ import annotations

from threading import Thread
from typing import Any, Final

from opentelemetry import trace

from django_observe.reporting import guard

CAUSE: Final = (
    "code of the project sets a TracerProvider and gives it no exporter; the kit uses one that is set, and "
    "exports from its own alone"
)
CHANGE: Final = (
    "remove trace.set_tracer_provider(...)    # from manage.py, wsgi.py, asgi.py or the settings: the kit "
    "then sets its own"
)


def exporters() -> tuple[str, ...] | None:
    """By what the spans of such a provider leave; None where the provider is the kit's, or does not say."""
    current: Any = trace.get_tracer_provider()
    if _is_ours(current) or isinstance(current, trace.ProxyTracerProvider):
        return None
    processor = getattr(current, "_active_span_processor", None)
    known = getattr(processor, "_span_processors", None)
    if known is None:
        return None
    return tuple(type(each).__name__ for each in known if not _is_ours(each))


def flush(seconds: float) -> None:
    """Has the processors of such a provider send what they have, and waits no longer than that."""
    sending = Thread(target=_flush, args=(trace.get_tracer_provider(),), daemon=True)
    sending.start()
    sending.join(seconds)


def _flush(current: Any) -> None:
    with guard("doctor"):
        current.force_flush()


def _is_ours(processor: object) -> bool:
    return type(processor).__module__.startswith("django_observe.")
