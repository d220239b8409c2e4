"""Names that mean the same attribute: OpenTelemetry's stable names and those they replaced."""

from __future__ import annotations

from typing import Final

_SAME: Final = (
    ("client.address", "http.client_ip"),
    ("code.file.path", "code.filepath"),
    ("code.function.name", "code.function"),
    ("code.line.number", "code.lineno"),
    ("db.collection.name", "db.sql.table"),
    ("db.namespace", "db.name"),
    ("db.operation.name", "db.operation"),
    ("db.query.text", "db.statement"),
    ("db.system.name", "db.system"),
    ("deployment.environment.name", "deployment.environment"),
    ("http.request.body.size", "http.request_content_length"),
    ("http.request.method", "http.method"),
    ("http.response.body.size", "http.response_content_length"),
    ("http.response.status_code", "http.status_code"),
    ("messaging.destination.name", "messaging.destination"),
    ("messaging.message.id", "messaging.message_id"),
    ("messaging.operation.type", "messaging.operation"),
    ("network.protocol.version", "http.flavor"),
    ("server.address", "net.peer.name"),
    ("server.port", "net.peer.port"),
    ("url.full", "http.url"),
    ("url.scheme", "http.scheme"),
    ("user_agent.original", "http.user_agent"),
)
_BY_NAME: Final = {name: names for names in _SAME for name in names}


def same(name: str) -> tuple[str, ...]:
    """`name` and what else it is called: https://opentelemetry.io/docs/specs/semconv/non-normative/."""
    return _BY_NAME.get(name, (name,))
