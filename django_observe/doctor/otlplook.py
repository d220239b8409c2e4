"""A look at what answers at an OTLP endpoint: sent there as the exporter sends, and read more closely."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import time
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.instrumentation.utils import suppress_instrumentation
from urllib3.exceptions import HTTPError

from django_observe import otlphttp, otlptransport
from django_observe.doctor import timelimit
from django_observe.doctor.canary import Canary
from django_observe.otlppool import PASSING
from django_observe.timedconnection import deadline
from django_observe.vocabulary import Field

_START: Final = 1_000
SUCCESSES: Final = range(200, 300)
_KINDS: Final = ("application/x-protobuf", "application/json", "application/protobuf")
_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""RFC 9113, section 3.4, with an empty SETTINGS frame."""
_SETTINGS: Final = b"\x04"
"""The type of a frame is its fourth byte."""
_PROBE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Look:
    """What came back from `url`; `error` where there was no answer."""

    url: str
    status: int = 0
    kind: str = ""
    location: str = ""
    text: str = ""
    error: Exception | None = None
    headers: Mapping[str, str] | None = None

    @property
    def is_collector(self) -> bool:
        """Whether it took the message as OTLP/HTTP has it: 2xx, and an answer of a kind it foresees."""
        return self.status in SUCCESSES and (self.kind in _KINDS or not self.text)


def look(signal: str, url: str, canary: Canary, seconds: float) -> Look:
    """Sends spans' empty message, or one line, with the headers of the exporter and by its transport."""
    receiver, seconds = otlphttp.Receiver(signal), timelimit.cut(seconds)
    try:
        with suppress_instrumentation(), deadline(seconds):
            transport = otlptransport.chosen(signal, url)(signal, url, receiver.headers)
            answer = transport.post(receiver.packed(_message(signal, canary)), seconds)
            with closing(answer.body):
                body = answer.body.read(_START)
    except (*PASSING, ValueError, OSError) as error:
        timelimit.check()
        return Look(url, error=_root(error))
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_text = kind not in _KINDS or kind == "application/json"
    text = " ".join(body.decode("utf-8", "ignore").split()) if is_text else ""
    text = "".join(filter(str.isprintable, text))  # some wrap it in a message of gRPC's
    return Look(url, answer.status, kind, answer.headers.get("Location", ""), text, None, answer.headers)


def _root(error: Exception) -> Exception:
    """What requests, or a retry of urllib3's, has wrapped."""
    inner = error.args[0] if error.args else None
    reason = getattr(error, "reason", None)
    if isinstance(inner, HTTPError):
        return _root(inner)
    return _root(reason) if isinstance(reason, HTTPError) else error


def speaks_http2(url: str) -> bool:
    """Whether the port answers HTTP/2's preface, as gRPC servers do, without TLS."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), _PROBE_SECONDS) as connection:
            connection.sendall(_HTTP2_PREFACE)
            head = connection.recv(9)
    except OSError:
        return False
    return head[3:4] == _SETTINGS


def _message(signal: str, canary: Canary) -> bytes:
    """Nothing is a message without spans; of lines a receiver may refuse what only a line shows."""
    if signal != "logs":
        return b""
    from django_observe import logencoding

    fields = {Field.MESSAGE: "observe doctor: a look", Field.CORRELATION_ID: canary.correlation_id}
    fields |= {Field.LOGGER: "django_observe.doctor", Field.LEVEL: "INFO", Field.TRACE_ID: canary.trace_id}
    return logencoding.encode([(time(), logging.INFO, fields)])
