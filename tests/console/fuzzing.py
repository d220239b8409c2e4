"""Bodies that no exporter would send, made from ones that they do; by seed, so that a run can be repeated."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.console.running import JSON, PROTOBUF
from tests.console.telemetry import attributes, log, logs, span, traces

ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**63,
    2**64,
    2**70,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\x00",
    "\ud83d",
    "\u202e\x1b[2J",
    "x" * 70_000,
    [],
    {},
    [[]],
    {"key": {}},
    "00",
    "zz" * 16,
    "0" * 32,
    "NaN",
    "-1",
    "9" * 400,
    {"stringValue": 7},
    {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "k"}]}}] * 40}},
    [None] * 300,
    "<svg onload=x>",
)
TYPES: Final = (
    JSON,
    PROTOBUF,
    "application/json; charset=utf-16",
    "text/plain",
    "",
    "application/grpc+proto",
    "*",
)
ENCODINGS: Final = ("gzip", "identity", "", "br", "gzip, gzip", "GZIP", "deflate")


@dataclass(frozen=True)
class Body:
    """One request of the fuzz."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def bodies(seed: int, count: int) -> Iterator[Body]:
    """`count` of them, a quarter of each kind."""
    chance = random.Random(seed)
    makers: tuple[Callable[[random.Random], Body], ...] = (of_protobuf, of_json, of_gzip, of_headers)
    for number in range(count):
        yield makers[number % len(makers)](chance)


def sound(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A path and a message that are in order."""
    told = attributes({"http.route": "/a", "correlation_id": "fuzz", "n": chance.randrange(10), "r": 0.5})
    if chance.random() < 0.5:
        one = span(
            _id(chance, 16),
            _id(chance, 8),
            "work",
            _id(chance, 8),
            attributes=told,
            status={"code": 2, "message": "no"},
        )
        one["events"] = [{"name": "exception", "timeUnixNano": "1", "attributes": told}]
        one["links"] = [{"traceId": _id(chance, 16), "spanId": _id(chance, 8), "attributes": told}]
        return "/v1/traces", traces("fuzz", one, span(one["traceId"], one["parentSpanId"], kind=3))
    return "/v1/logs", logs(
        "fuzz", log("said", traceId=_id(chance, 16), spanId=_id(chance, 8), attributes=told)
    )


def _id(chance: random.Random, size: int) -> str:
    return chance.randbytes(size).hex()


def of_protobuf(chance: random.Random) -> Body:
    """Bytes changed, cut, repeated or made up."""
    path, message = sound(chance)
    kind = ExportTraceServiceRequest if path == "/v1/traces" else ExportLogsServiceRequest
    data = bytearray(json_format.ParseDict(in_base64(message), kind()).SerializeToString())
    for _ in range(chance.choice((0, 1, 1, 2, 5, 30))):
        at = chance.randrange(len(data))
        change = chance.randrange(5)
        if change == 0:
            data[at] = chance.randrange(256)
        elif change == 1:
            data[at] ^= 1 << chance.randrange(8)
        elif change == 2:
            del data[at : at + chance.randrange(1, 20)]
        elif change == 3:
            data[at:at] = data[: chance.randrange(1, 60)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 12))
        data = data or bytearray(b"\n")
    return Body(chance.choice((path, path, path, "/v1/metrics")), bytes(data), {"Content-Type": PROTOBUF})


def in_base64(message: Any) -> Any:
    """OTLP/JSON's hexadecimal ids as protobuf's own JSON wants them."""
    if isinstance(message, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else in_base64(value)
            for key, value in message.items()
        }
    return [in_base64(one) for one in message] if isinstance(message, list) else message


def of_json(chance: random.Random) -> Body:
    """Some parts replaced by odd ones, or the text itself damaged."""
    path, message = sound(chance)
    changed = copy.deepcopy(message)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        places = list(_places(changed))
        holder, key = chance.choice(places)
        if chance.random() < 0.2:
            holder[key] = {chance.choice(("stringValue", "intValue", "x", "\x00")): holder[key]}
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))
    text = json.dumps(changed)
    if chance.random() < 0.2:
        at = chance.randrange(len(text))
        text = (
            text[:at] + chance.choice(("", "{", "[" * 2000, '"', "\\ud800", "1e999", "\x07")) + text[at + 1 :]
        )
    return Body(path, text.encode("utf-8", "surrogatepass"), {"Content-Type": JSON})


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


def of_gzip(chance: random.Random) -> Body:
    """Compressed bodies that are damaged, doubled, cut, of another format, or far larger than they look."""
    path, message = sound(chance)
    plain = json.dumps(message).encode()
    packed = bytearray(gzip.compress(plain, mtime=0))
    change = chance.randrange(6)
    if change == 0:
        packed[chance.randrange(len(packed))] ^= 1 << chance.randrange(8)
    elif change == 1:
        del packed[chance.randrange(len(packed)) :]
    elif change == 2:
        packed *= 2
    elif change == 3:
        packed = bytearray(zlib.compress(plain))
    elif change == 4 and chance.random() < 0.02:
        packed = bytearray(gzip.compress(bytes(40 * 1024 * 1024), 1, mtime=0))
    return Body(path, bytes(packed), {"Content-Type": JSON, "Content-Encoding": "gzip"})


def of_headers(chance: random.Random) -> Body:
    """Types and encodings that do not fit the body, or that nobody has heard of."""
    path, message = sound(chance)
    headers = {"Content-Type": chance.choice(TYPES), "Content-Encoding": chance.choice(ENCODINGS)}
    if chance.random() < 0.3:
        headers |= {chance.choice(("Origin", "Host", "Sec-Fetch-Site", "X-Observe-Token")): "cross-site"}
    path = chance.choice((path, path, "/v1/metrics", "/v1/nothing", "/v1/traces/", f"{path}?x=%ff"))
    return Body(path, json.dumps(message).encode(), headers)
