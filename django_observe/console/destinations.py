"""The variables that decide where a service sends to: to the console, and to what comes after it."""

from __future__ import annotations

from typing import Final

from django_observe.console.instance import Console

COLLECTOR: Final = """export OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example:4318
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_LOGS_EXPORTER=otlp"""

DIRECT: Final = """export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4318/v1/traces
export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://localhost:3100/otlp/v1/logs
export OTEL_LOGS_EXPORTER=otlp"""


def targets(console: Console) -> list[tuple[str, str, str]]:
    """Name, when to choose it, and variables, of each place that services can send to."""
    return [
        ("This console", "development, without Docker", of_console(console)),
        ("A collector", "one address for traces, logs and metrics", COLLECTOR),
        ("Jaeger and Loki", "as make up starts them; stop the console first if it has port 4318", DIRECT),
    ]


def of_console(console: Console) -> str:
    """Of this console. The token is not told: whoever was let in may still not pass it on."""
    lines = [
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={console.otlp_url}",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "export OTEL_LOGS_EXPORTER=otlp",
        "export OTEL_BSP_SCHEDULE_DELAY=500 OTEL_BLRP_SCHEDULE_DELAY=500",
    ]
    if console.access.token:
        lines.insert(2, "export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20<the token>")
    return "\n".join(lines)
