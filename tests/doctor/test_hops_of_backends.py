"""Jaeger, Loki and the console as the doctor sees them: well, with faults planted, and talking nonsense."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_observe.doctor import fetching
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK
from tests.console.running import Console, running
from tests.doctor.answering import Answering, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.examining import HOPS, examined, states
from tests.doctor.faulttable import assert_found, plant
from tests.doctor.served import ID, TRACE, answer, recording, serving
from tests.test_otlptransport import Authority

pytestmark = pytest.mark.usefixtures("exporting")


@pytest.fixture(scope="module")
def here() -> Iterator[Console]:
    with running() as started:
        yield started


@pytest.mark.parametrize("name", HOPS)
def test_a_backend_that_nobody_names_is_not_configured(name: str) -> None:
    assert states(examined(name, None)) == [NOT_CONFIGURED]


@pytest.mark.parametrize(("name", "told"), [("jaeger", "1 span of shop"), ("loki", "2 lines of shop")])
def test_what_has_arrived_is_found(name: str, told: str) -> None:
    with recording(name) as url:
        (finding,) = examined(name, url)
    assert (finding.state, told in finding.says) == (OK, True), finding


def test_what_has_arrived_at_the_console_is_found(here: Console) -> None:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    told = [{"key": "correlation_id", "value": {"stringValue": ID}}]
    now = str(time.time_ns())
    span = {
        "traceId": TRACE,
        "spanId": "a" * 16,
        "name": "GET",
        "startTimeUnixNano": now,
        "endTimeUnixNano": now,
    }
    line = {"traceId": TRACE, "timeUnixNano": now, "body": {"stringValue": "hello"}, "attributes": told}
    here.send("/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
    here.send("/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [line]}]}]})
    assert states(examined("console", here.pages)) == [OK, OK]


@pytest.mark.parametrize("name", ["jaeger", "loki"])
def test_what_has_not_left_is_not_looked_for(name: str) -> None:
    """The hop of export has said why, and what to change."""
    with recording(name) as url:
        found = examined(name, url, trace_id="f" * 32, correlation_id="nothing-here", delivered={})
    assert states(found) == [NOT_CONFIGURED]


def test_the_console_says_what_it_refused(here: Console) -> None:
    here.post("/v1/traces", b"nonsense")
    spans, lines = examined("console", here.pages, trace_id="f" * 32, correlation_id="doctor-of-nobody")
    assert "refused with 400" in spans.cause
    assert spans.change.startswith(f"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={here.otlp}/v1/traces\nor, behind")
    assert lines.change.startswith(f"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={here.otlp}/v1/logs\nor, behind")


LINES_ELSEWHERE = plant(
    "lines go to another place than the console",
    "console: lines",
    "…/v1/logs took them: it is another store's, or a collector's that drops, delays or keeps them",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://…/v1/logs\n"
    "or, behind a collector, exporters: {otlphttp: {endpoint: http://…}}    "
    "# in a collector's pipeline of logs",
)


def test_a_console_that_has_the_spans_and_not_the_lines(here: Console) -> None:
    now = str(time.time_ns())
    times = {"startTimeUnixNano": now, "endTimeUnixNano": now}
    span = {"traceId": "e" * 32, "spanId": "a" * 16, "name": "GET", **times}
    here.send("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    found = examined("console", here.pages, trace_id="e" * 32, correlation_id="doctor-of-nobody")
    diagnosed(
        found,
        LINES_ELSEWHERE,
        f"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={here.otlp}/v1/logs\nor, behind a collector, "
        f"exporters: {{otlphttp: {{endpoint: {here.otlp}}}}}    # in a collector's pipeline of logs",
    )


TOKEN = plant(
    "a console that wants its token",
    "console",
    "it asks for credentials that it was not given",
    "DJANGO_OBSERVE_CONSOLE_TOKEN=...",
)


def test_a_console_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("--memory", "--token") as guarded:
        assert_found(examined("console", guarded.pages), TOKEN)
        monkeypatch.setenv("DJANGO_OBSERVE_CONSOLE_TOKEN", guarded.token)
        assert "is not at" in examined("console", guarded.pages)[0].says


STOPPED = plant(
    "the console of BACKENDS is not running",
    "console",
    "nothing listens there: it is not running, or on another port",
    'DJANGO_OBSERVE = {"BACKENDS": {"console": "http://127.0.0.1:8088"}}\n'
    "or start it: django-observe console",
)


def test_a_console_that_is_stopped() -> None:
    with recording("jaeger") as away:
        pass
    assert_found(examined("console", away), STOPPED)
    assert states(examined("console", away, found=True)) == [NOT_CONFIGURED]


AWAY = plant(
    "a backend of BACKENDS that is not running",
    "Jaeger",
    "nothing listens there: it is not running, or on another port",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://127.0.0.1:16686"}}',
)
FOREIGN = plant(
    "BACKENDS with the address of something else",
    "Jaeger",
    "the address is of something else, or lacks a path before it",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://127.0.0.1:16686"}}',
)
LOGIN = plant(
    "a login page in front of a backend",
    "Jaeger",
    "a login page or another address; redirects are not followed",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://127.0.0.1:16686"}}',
)
REFUSED = plant(
    "a backend that wants a password",
    "Jaeger",
    "it asks for credentials that it was not given",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://USER:PASSWORD@…"}}',
)
NOT_HTTP = plant(
    "BACKENDS with the port of gRPC",
    "Jaeger",
    "the port speaks another protocol, such as gRPC or TLS",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://127.0.0.1:16686"}}',
)


def page(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"<!doctype html><title>Welcome</title>", "text/html")


def login(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"", "text/html", 302, "/login?next=" + handler.path)


def forbidden(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"who are you?", "text/plain", 401)


def frames(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00@\x00" * 3)


def broken(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"\xff\xfe\x00 out of order", "text/plain", 500)


def gone(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{")


FAULTS = {page: FOREIGN, login: LOGIN, forbidden: REFUSED, frames: NOT_HTTP}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_something_else_is_there(fault: Any) -> None:
    with serving(fault) as url:
        assert_found(examined("jaeger", url), FAULTS[fault])


def test_nobody_is_there() -> None:
    with serving(page) as url:
        pass
    assert_found(examined("jaeger", url), AWAY)


UNTRUSTED = plant(
    "a backend whose certificate nobody here trusts",
    "Jaeger",
    "who signed it is not among the authorities that this machine trusts, or it is of another name",
    "SSL_CERT_FILE=/path/to/authority.pem",
)
NO_TLS = plant(
    "https:// to a backend of plain http",
    "Jaeger",
    "the address says https, the port is of http",
    'DJANGO_OBSERVE = {"BACKENDS": {"jaeger": "http://127.0.0.1:16686"}}',
)


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority of one's own is trusted where SSL_CERT_FILE names it, as Python has it."""
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.signed("jaeger"))
    body = json.dumps({"error": {"httpCode": 404, "message": "No traces found"}}).encode()
    with Answering(lambda _: Told(404, {"Content-Type": "application/json"}, body), tls=context) as jaeger:
        assert_found(examined("jaeger", jaeger.url), UNTRUSTED)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        (asked,) = examined("jaeger", jaeger.url)
        assert "the canary's trace is not at" in asked.says
    with serving(page) as url:
        assert_found(examined("jaeger", url.replace("http:", "https:")), NO_TLS)


SHAPES = [
    "[]",
    "null",
    "1",
    '"x"',
    '{"data": 1}',
    '{"data": {"result": [1]}}',
    '{"result": {"resourceSpans": 1}}',
]
SHAPES += ['{"result": {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 7}]}]}]}}', "[" * 100_000]
SHAPES += ['{"logs": [{}], "data": {"result": [{"stream": {"trace_id": "zz"}, "values": [["x", 1]]}]}}']


@pytest.mark.parametrize("name", HOPS)
def test_nonsense_is_a_finding(name: str) -> None:
    """Whatever a server answers, the doctor says that it is broken, or not there; it never ends itself."""
    said = {"answering": page}

    def answering(handler: BaseHTTPRequestHandler) -> None:
        said["answering"](handler)

    with serving(answering) as url:
        for odd in (page, login, forbidden, frames, broken, gone):
            said["answering"] = odd
            assert BROKEN in states(examined(name, url)), odd.__name__
        for shape in SHAPES:
            said["answering"] = lambda handler, shape=shape: answer(handler, shape.encode())  # type: ignore[misc]
            assert OK not in states(examined(name, url)), shape


@pytest.mark.parametrize("pace", ["hangs", "drips", "floods"])
def test_an_answer_has_a_deadline_and_a_bound(pace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 100_000)

    def answering(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" if pace == "floods" else b"HTTP/1.0 200")
        with suppress(OSError):  # who asked has gone
            for _ in range(40):
                if pace != "hangs":
                    handler.wfile.write(b" " * (50_000 if pace == "floods" else 1))
                time.sleep(0.02)

    with serving(answering) as url:
        began = time.monotonic()
        with pytest.raises(FetchError):
            fetching.fetch(urlsplit(url), "/", {}, 0.3)
        assert time.monotonic() - began < 2


def test_credentials_go_to_the_backend_alone() -> None:
    """A redirect is not followed, and no link or message shows the password."""
    told: list[str | None] = []

    def answering(handler: BaseHTTPRequestHandler) -> None:
        told.append(handler.headers["Authorization"])
        login(handler)

    with serving(answering) as url:
        findings = examined("jaeger", url.replace("//", "//lois:s%40cret@"))
    assert told == ["Basic bG9pczpzQGNyZXQ="]
    assert "cret" not in str(findings)
