"""Rows of what OpenTelemetry's variables ask for: both programs run under them."""

from __future__ import annotations

from functools import partial

from tests.differential.rows import Row
from tests.differential.server import asgi, wsgi

VARIABLES = {
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "orders/1[0-9]",
    "OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS": "shelf,content_type",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "x-shelf,authorization",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "x-shelf,content-type",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "authorization",
}
_HEADERS = {"HTTP_X_SHELF": "lower", "HTTP_AUTHORIZATION": "Bearer hunter2"}
_SENT = {"x-shelf": "lower", "authorization": "Bearer hunter2"}

ROWS = [
    Row("options", "excluded", partial(wsgi, "/orders/17/"), silent=True),
    Row("options", "not excluded", partial(wsgi, "/orders/27/")),
    Row("options", "traced attribute", partial(wsgi, "/orders/77/")),
    Row("options", "captured headers", partial(wsgi, "/orders/", **_HEADERS)),
    Row("options", "captured headers of a failure", partial(wsgi, "/fail/error/", **_HEADERS)),
    Row("options", "ASGI excluded", partial(asgi, "/orders/17/"), silent=True),
    Row("options", "ASGI traced attribute", partial(asgi, "/orders/77/")),
    Row("options", "ASGI captured headers", partial(asgi, "/orders/", headers=_SENT)),
]
