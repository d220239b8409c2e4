"""A consumer of a Redis stream, by XREADGROUP: `python -m tests.conformance.project.consumer URL STREAM`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import django
from kafka.record.memory_records import MemoryRecords
from opentelemetry import propagate, trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.kafka.utils import KafkaContextGetter
from redis import Redis

Fields = dict[bytes, bytes]
GROUP = "notifications"


def on_event(fields: Fields) -> str:
    """An event, whose fields are its carrier."""
    from tests.conformance.project.carriers import continued
    from tests.conformance.project.witness import witness

    key = fields[b"key"].decode()
    with continued(fields, "process order_created"):
        witness(key, "consumer")
    return key


def on_record(fields: Fields) -> str:
    """A record with Kafka's headers: once as OpenTelemetry's page has it, once by our name for it."""
    from tests.conformance.project.carriers import continued
    from tests.conformance.project.witness import witness

    [record] = MemoryRecords(fields[b"batch"]).next_batch()
    headers: list[tuple[str, bytes]] = record.headers
    key = dict(headers)["key"].decode()
    token = attach(propagate.extract(headers, getter=KafkaContextGetter()))
    try:
        with trace.get_tracer("conformance").start_as_current_span("orders process"):
            witness(key, "extracted")
    finally:
        detach(token)
    with continued(headers, "process orders"):
        witness(key, "continued")
    return key


HANDLERS: dict[bytes, Callable[[Fields], str]] = {b"order_created": on_event, b"record": on_record}


def main(url: str, stream: str) -> None:
    """Consumes until it is stopped."""
    from tests.conformance.project import kit
    from tests.conformance.project.witness import left

    django.setup()
    kit.trace()
    redis: Any = Redis.from_url(url)
    redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
    print("ready", flush=True)  # noqa: T201 - what its starter waits for
    while True:
        for _, messages in redis.xreadgroup(GROUP, "one", {stream: ">"}, count=10, block=500):
            for identifier, fields in messages:
                before = copy_context()
                key = HANDLERS[fields[b"event"]](fields)
                left(key, before)
                redis.xack(stream, GROUP, identifier)


if __name__ == "__main__":
    main(*sys.argv[1:])
