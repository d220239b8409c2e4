"""The hop of the middleware: what stands before it answers unseen."""

from __future__ import annotations

from collections.abc import Iterator

from django_observe import conf, middleware
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, OK, Finding

HOP = "middleware"


def examine(canary: Canary) -> Iterator[Finding]:  # noqa: ARG001 - each hop is asked alike
    """Whether ours is there, once, and first but for OpenTelemetry's own."""
    listed = conf.middleware()
    count = listed.count(middleware.PATH)
    if count != 1:
        yield Finding(
            HOP,
            BROKEN,
            f"MIDDLEWARE has {middleware.PATH} {count} times",
            cause="every request is counted and logged as often as it stands there"
            if count
            else "MIDDLEWARE was replaced after the start: no request is seen",
            change=f'MIDDLEWARE = ["{middleware.PATH}", ...]    # once, and first',
        )
        return
    shadows = [
        path for path in listed[: listed.index(middleware.PATH)] if not path.startswith("opentelemetry.")
    ]
    if shadows:
        yield Finding(
            HOP,
            BROKEN,
            f"{', '.join(shadows)} before ours",
            cause="what these answer by themselves has no ID, no line, no span, and their time goes unseen",
            change=f'MIDDLEWARE = ["{middleware.PATH}", "{shadows[0]}", ...]    # ours first, or left out: '
            "it then puts itself first",
        )
        return
    yield Finding(HOP, OK, f"first of {len(listed)}")
