"""The body of an ingest request: refused early when of a wrong kind or too large, inflated under a cap."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from django_observe.console import limits

GRPC_HINT: Final = (
    "This is gRPC sent to the OTLP/HTTP port; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf in the service."
)
_TYPES: Final = frozenset({"application/x-protobuf", "application/json"})
_DIGITS: Final = 18  # beyond any length; int() itself refuses thousands
_GZIP_ONLY: Final = 31  # zlib's wbits for one gzip member


class RefusedError(Exception):
    """The request is answered with `status` and the reason."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def read_payload(request: HttpRequest) -> bytes:
    """The inflated body. Raises RefusedError."""
    _check_head(request)
    body = _read(request, int(request.META["CONTENT_LENGTH"]))
    if request.headers.get("Content-Encoding", "identity").strip().lower() == "gzip" and body:
        return _inflate(body)
    return body


def _check_head(request: HttpRequest) -> None:
    content_type = request.content_type or ""
    length = request.META.get("CONTENT_LENGTH", "")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if content_type.startswith("application/grpc"):
        raise RefusedError(415, GRPC_HINT)
    if request.method != "POST":
        raise RefusedError(405, "OTLP is sent by POST.", {"Allow": "POST"})
    if content_type not in _TYPES:
        raise RefusedError(415, "Content-Type must be application/x-protobuf or application/json.")
    if encoding not in ("identity", "gzip", ""):
        raise RefusedError(415, "Content-Encoding must be gzip or identity.")
    if not (length.isascii() and length.isdigit()) or "HTTP_TRANSFER_ENCODING" in request.META:
        raise RefusedError(411, "A Content-Length is required, or a chunked body.")
    if len(length) > _DIGITS or int(length) > limits.WIRE_BYTES:
        raise RefusedError(413, f"The body may have {limits.WIRE_BYTES} bytes; send smaller batches.")


def _read(request: HttpRequest, length: int) -> bytes:
    try:
        body = request.read(length)
    except UnreadablePostError as fault:
        raise RefusedError(400, "The body did not arrive.") from fault
    if len(body) != length:  # a part may well be valid protobuf: it must not pass for the whole
        raise RefusedError(400, f"The body ended after {len(body)} of {length} bytes.")
    return body


def _inflate(body: bytes) -> bytes:
    """One gzip member of at most 32 MiB; the bomb is refused after the cap, not after it has gone off."""
    inflater = zlib.decompressobj(_GZIP_ONLY)
    try:
        data = inflater.decompress(body, limits.INFLATED_BYTES + 1)
    except zlib.error as fault:
        raise RefusedError(400, f"The body is not gzip: {fault}") from fault
    if len(data) > limits.INFLATED_BYTES:
        raise RefusedError(413, f"The inflated body may have {limits.INFLATED_BYTES} bytes.")
    if not inflater.eof or inflater.unused_data:
        raise RefusedError(400, "The body must be exactly one complete gzip member.")
    return data
