"""Which kit this process runs with, and how the ID is read under it: the same question to both."""

from __future__ import annotations

import os

KIT = os.environ.get("CONFORMANCE_KIT", "ours")
"""`ours`, or `hand`: see hand.py."""


def correlation_id() -> str | None:
    """The ID as a project reads it."""
    if KIT == "ours":
        import django_observe

        return django_observe.correlation_id()
    from django_guid import get_guid

    return get_guid() or None


def trace() -> None:
    """What starts tracing where a project has to do that itself; ours needs no such line."""
    if KIT != "ours":
        from tests.conformance.project import hand

        hand.trace()
