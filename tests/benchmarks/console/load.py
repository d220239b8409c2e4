"""A sender: requests of five spans, encoded as exporters do, at a rate.

It is a process of its own, so that what it spends is not the console's.
"""

from __future__ import annotations

import gzip
import http.client
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

BATCH = 500
SPANS = 5
"""Of one request: a server's span, and the queries and the call below it."""


def encoded(service: str, batch: int = BATCH) -> bytes:
    """A batch of spans that end now, compressed."""
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    _tell(group.resource, {"service.name": service, "service.instance.id": f"{service}-1"})
    spans = group.scope_spans.add().spans
    for number in range(batch // SPANS):
        _request(spans, number)
    return gzip.compress(message.SerializeToString(), 1)


def _request(spans: Any, number: int) -> None:
    trace, root = secrets.token_bytes(16), secrets.token_bytes(8)
    start = time.time_ns() - 40_000_000 - number * 100_000
    path = f"api/orders/{number % 7}/"
    server = spans.add(trace_id=trace, span_id=root, name=f"POST {path}", kind=2)
    server.start_time_unix_nano, server.end_time_unix_nano = start, start + 30_000_000 + number
    told = {"http.route": path, "http.request.method": "POST", "http.response.status_code": 200}
    _tell(server, {**told, "correlation_id": f"load-{trace.hex()[:8]}"})
    for call in range(SPANS - 1):
        query = spans.add(trace_id=trace, span_id=secrets.token_bytes(8), parent_span_id=root, kind=3)
        query.name, query.start_time_unix_nano = "SELECT orders", start + call * 5_000_000
        query.end_time_unix_nano = query.start_time_unix_nano + 3_000_000
        where = {"db.system.name": "postgresql", "db.namespace": "shop", "server.address": "db"}
        _tell(query, {**where, "db.query.text": "SELECT * FROM orders WHERE id = %s"})


def _tell(holder: Any, told: dict[str, Any]) -> None:
    for key, value in told.items():
        pair = holder.attributes.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value


def send(endpoint: str, service: str, rate: float, seconds: float) -> dict[str, Any]:
    """Batches at `rate` spans a second; refused ones are sent again, as exporters do. What came of it."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    sent = again = late = 0
    began = time.monotonic()
    for number in range(int(rate * seconds / BATCH)):
        due = began + number * BATCH / rate
        time.sleep(max(due - time.monotonic(), 0))
        late = max(late, int((time.monotonic() - due) * 1000))
        body = encoded(service)
        while True:
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.SERVICE_UNAVAILABLE:
                break
            again += 1
            time.sleep(1)
        if answer.status != http.client.OK:
            raise RuntimeError(f"answered {answer.status}")
        sent += BATCH
    connection.close()
    return {"sent": sent, "again": again, "late_ms": late, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    told = send(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
    sys.stdout.write(json.dumps(told))
