"""The ASGI application of a project with Channels, watched from outside like the one without."""

from __future__ import annotations

import os
from contextvars import copy_context
from typing import Any
from urllib.parse import parse_qs

from django.core.asgi import get_asgi_application

from tests.conformance.project.kit import KIT, trace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")
trace()
_django = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - Channels needs the settings

from tests.conformance.project import exchange  # noqa: E402
from tests.conformance.project.consumers import http, websocket  # noqa: E402
from tests.conformance.project.witness import left  # noqa: E402

if KIT == "hand":
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    http, websocket = OpenTelemetryMiddleware(http), OpenTelemetryMiddleware(websocket)

_routed = ProtocolTypeRouter({"http": http, "websocket": websocket})


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Consumers below /consumers/, Django for the rest, with a witness after either."""
    key = parse_qs(scope["query_string"].decode()).get("key", [None])[0]
    if scope["type"] == "http":
        exchange.begin(scope["path"], key)
    of_consumer = scope["type"] == "websocket" or scope["path"].startswith("/consumers/")
    before = copy_context()
    try:
        await (_routed if of_consumer else _django)(scope, receive, send)
    finally:
        left(key, before)
