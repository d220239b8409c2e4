"""What a message is given, and how its consumer goes on under it: our two names, or the hand's own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace

from tests.conformance.project.kit import KIT


def outgoing() -> dict[str, str]:
    """What is added to a message."""
    if KIT == "ours":
        import django_observe

        return django_observe.outgoing()
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


@contextmanager
def continued(fields: Mapping[bytes, bytes] | list[tuple[str, bytes]], name: str) -> Iterator[None]:
    """The block in which a message is worked on."""
    if KIT == "ours":
        import django_observe

        with django_observe.continued(fields, name):
            yield
        return
    items = fields.items() if isinstance(fields, Mapping) else fields
    carrier = {key.decode() if isinstance(key, bytes) else key: value.decode() for key, value in items}
    context = propagate.extract(carrier)
    tracer = trace.get_tracer("conformance")
    with tracer.start_as_current_span(name, context, trace.SpanKind.CONSUMER):
        yield


@contextmanager
def correlated() -> Iterator[None]:
    """The block of a turn that nobody asked for."""
    if KIT == "ours":
        import django_observe

        with django_observe.correlated():
            yield
        return
    from django_guid import clear_guid, set_guid
    from django_guid.utils import generate_guid

    set_guid(generate_guid())
    try:
        yield
    finally:
        clear_guid()
