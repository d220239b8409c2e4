"""The ASGI application, watched from outside: what is left in the task when an answer has gone out."""

from __future__ import annotations

import os
from contextvars import Context, copy_context
from typing import Any
from urllib.parse import parse_qs

from django.core.asgi import get_asgi_application

from tests.conformance.project.kit import KIT, trace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")
trace()
_django = get_asgi_application()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Django's, with a witness after it: in the task that Django has for the request, after its last part.

    The hand assembly ends a request later than that: there only the server's own task is looked at.
    """
    from tests.conformance.project import exchange
    from tests.conformance.project.witness import left

    if scope["type"] != "http":
        return
    key = parse_qs(scope["query_string"].decode()).get("key", [None])[0]
    exchange.begin(scope["path"], key)
    before = copy_context()
    last: list[Context] = []

    async def watched(message: Any) -> None:
        if KIT == "ours" and message["type"] == "http.response.body" and not message.get("more_body"):
            last.append(copy_context())
        await send(message)

    try:
        await _django(scope, receive, watched)
    finally:
        (last or [copy_context()])[-1].run(left, key, before)
