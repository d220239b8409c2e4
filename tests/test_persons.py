"""Nothing in lines and spans identifies a person, unless a setting of one line says so."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.test import Client, RequestFactory, override_settings
from gunicorn.glogging import SafeAtoms
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind

from django_observe import librarylines, otlpspans, persons, trust
from django_observe.json import document
from django_observe.testing import captured
from tests.growth import is_linear

ADA = SimpleNamespace(pk=7)
WHOLE = {"USER_ID": "id", "CLIENT_IP": "address", "USER_AGENT": True, "PATH_PARAMETERS": ["*"]}


@pytest.mark.parametrize(("told", "expected"), [("none", None), ("id", "7"), ("hash", "0bda59d51fadbc17")])
def test_a_user_is_told_as_the_setting_says(told: str, expected: str | None) -> None:
    """Lines of different days and releases are compared by the hash: it stays what it is."""
    with override_settings(DJANGO_OBSERVE={"USER_ID": told}):
        assert persons.user_id(ADA) == expected
        assert persons.user_id(SimpleNamespace(pk=None)) is persons.user_id(None) is None


@override_settings(DJANGO_OBSERVE={"USER_ID": "hash"})
def test_a_hash_needs_the_secret_key_and_changes_with_it() -> None:
    first = persons.user_id(ADA)
    with override_settings(SECRET_KEY="another"):
        assert persons.user_id(ADA) not in (first, None)
    with override_settings(SECRET_KEY=""):
        assert persons.user_id(ADA) is None
    assert persons.user_id(SimpleNamespace(pk=8)) not in (first, None)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::2", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1%ada@example.com hello", "::1"),
        ("fe80::1%" + "a" * 1_600, "fe80::"),
        ("127.0.0.9", "127.0.0.9"),
        ("::1", "::1"),
        ("", None),
        ("ada's laptop", None),
    ],
)
def test_of_an_address_the_network_is_told(address: str, network: str | None) -> None:
    assert persons.client_ip(address) == network
    assert persons.client_port(5) is None
    with override_settings(DJANGO_OBSERVE={"CLIENT_IP": "none"}):
        assert persons.client_ip(address) is None
    with override_settings(DJANGO_OBSERVE={"CLIENT_IP": "address"}):
        whole = str(trust.parsed(address)) if network else None
        assert persons.client_ip(address) == whole
        assert "%" not in (whole or "")
        assert whole is None or address.removeprefix("::ffff:").startswith(whole)
        assert persons.client_port(5) == 5


OF_A_SERVER = {
    "client.address": "203.0.113.77",
    "http.client_ip": "203.0.113.77",
    "client.port": 51_000,
    "net.peer.ip": "203.0.113.77",
    "net.peer.port": 51_000,
    "network.peer.address": "203.0.113.77",
    "user_agent.original": "Firefox",
    "http.user_agent": "Firefox",
    "enduser.id": "7",
    "enduser.pseudo.id": "7",
    "user.hash": "7",
    "user.id": "7",
    "user.email": "ada@example.com",
    "user.name": "ada",
    "http.request.method": "GET",
}
"""As instrumentations of other versions, and of other frameworks, have it."""


def shown(attributes: dict[str, Any], kind: SpanKind) -> dict[str, Any]:
    told = {key: persons.told(key, value, kind) for key, value in attributes.items()}
    return {key: value for key, value in told.items() if value is not None}


def test_others_spans_follow_the_same_rules() -> None:
    assert shown(OF_A_SERVER, SpanKind.SERVER) == {
        "client.address": "203.0.113.0",
        "http.client_ip": "203.0.113.0",
        "net.peer.ip": "203.0.113.0",
        "network.peer.address": "203.0.113.0",
        "http.request.method": "GET",
    }
    with override_settings(DJANGO_OBSERVE=WHOLE):
        assert shown(OF_A_SERVER, SpanKind.SERVER) == OF_A_SERVER
    with override_settings(DJANGO_OBSERVE={"USER_ID": "hash"}):
        hashed = shown(OF_A_SERVER, SpanKind.SERVER)
        assert hashed["user.id"] == hashed["enduser.id"] == persons.user_id(ADA)
        assert "user.email" not in hashed


def test_line_and_span_have_the_same_client_behind_a_proxy() -> None:
    with captured() as telemetry:
        Client().get("/ok/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.77, 10.0.0.7")
    [line] = [line for line in telemetry.lines if line.get("event") == "request"]
    addresses = [(span.attributes or {}).get("client.address") for span in telemetry.spans]
    assert line["client_ip"] == "203.0.113.0"
    assert addresses == ["203.0.113.0"]


@pytest.mark.parametrize(
    ("tracer", "route", "told"),
    [
        ("opentelemetry.instrumentation.asgi", "", b"/users/<segment>/7"),
        ("opentelemetry.instrumentation.fastapi", "/users/{email}/{pk}", b"/users/{email}/{pk}"),
        ("opentelemetry.instrumentation.django", "", b"/users/<email>/7"),
    ],
)
def test_paths_of_others_spans_follow_the_same_rules(tracer: str, route: str, told: bytes) -> None:
    path = "/users/<email>/7" if b"<email>" in told else "/users/c4n4ry@x.com/7"
    span = TracerProvider().get_tracer(tracer).start_span("GET")
    span.set_attributes({"url.path": path, "http.route": route} if route else {"url.path": path})
    span.end()
    sent = otlpspans.encode([cast("ReadableSpan", span)])
    assert told in sent
    assert b"c4n4ry" not in sent


def test_the_peer_of_a_client_is_a_server_and_stays() -> None:
    database = {"network.peer.address": "10.1.2.3", "net.peer.port": 5432, "db.system.name": "postgresql"}
    assert shown(database, SpanKind.CLIENT) == database


def record(name: str, message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(name, logging.WARNING, "", 0, message, args, None, extra=extra)


CLIENT = ("203.0.113.77", 51_000)
ATOMS: Any = SafeAtoms(
    {
        "h": "203.0.113.77",
        "l": "-",
        "u": "ada",
        "t": "[t]",
        "r": "GET /c4?x=2 HTTP/1.1",
        "s": "200",
        "b": "5",
        "f": "https://h/?q=1",
        "a": "Firefox",
        "{x-forwarded-for}i": "203.0.113.77, 10.0.0.7",
        "{cookie}i": "a=c4n4ry",
        "{via}i": "edge",
    }
)
HYPERCORNS: Any = {"h": CLIENT[0] + ":51000", "t": "[t]", "R": "GET /c4?x=2 1.1", "s": 200, "a": "Firefox"}
ACCESS = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
"""Default of gunicorn's `access_log_format`."""

LINES: list[tuple[logging.LogRecord, str, str]] = [
    (
        record("gunicorn.access", ACCESS, ATOMS),
        '203.0.113.0 - - [t] "GET /<segment>?x=[redacted] HTTP/1.1" 200 5 "https://h/?q=[redacted]" "-"',
        '203.0.113.77 - ada [t] "GET /c4?x=[redacted] HTTP/1.1" 200 5 "https://h/?q=[redacted]" "Firefox"',
    ),
    (
        record(
            "gunicorn.access", '%(t)s %(h)s "%(r)s" %({x-forwarded-for}i)s %({cookie}i)s %({via}i)s', ATOMS
        ),
        '[t] 203.0.113.0 "GET /<segment>?x=[redacted] HTTP/1.1" 203.0.113.0, 10.0.0.0 [redacted] edge',
        '[t] 203.0.113.77 "GET /c4?x=[redacted] HTTP/1.1" 203.0.113.77, 10.0.0.7 [redacted] edge',
    ),
    (
        record("hypercorn.access", '%(h)s %(t)s "%(R)s" %(s)s "%(a)s"', HYPERCORNS),
        '203.0.113.0 [t] "GET /<segment>?x=[redacted] 1.1" 200 "-"',
        '203.0.113.77:51000 [t] "GET /c4?x=[redacted] 1.1" 200 "Firefox"',
    ),
    (
        record("gunicorn.error", "Error handling request %s", "/users/o'c4n4ry@x.com"),
        "Error handling request /users/<segment>",
        "Error handling request /users/o'c4n4ry@x.com",
    ),
    (
        record(
            "gunicorn.error", "Invalid request from ip=203.0.113.77: Invalid HTTP request line: 'GET /c4 x'"
        ),
        "Invalid request from ip=203.0.113.0: Invalid HTTP request line: 'GET /<segment> x'",
        "Invalid request from ip=203.0.113.77: Invalid HTTP request line: 'GET /c4 x'",
    ),
    (
        record("gunicorn.error", "Error handling request %s", "/users/c4n4ry?page=2"),
        "Error handling request /users/<segment>?page=[redacted]",
        "Error handling request /users/c4n4ry?page=[redacted]",
    ),
    (
        record("gunicorn.error", "Listening at: %s (%s)", "http://10.1.2.3:8000", 17),
        "Listening at: http://10.1.2.3:8000 (17)",
        "Listening at: http://10.1.2.3:8000 (17)",
    ),
    (
        record(
            "uvicorn.access", '%s - "%s %s HTTP/%s" %d', "203.0.113.77:51000", "GET", "/c4n4ry", "1.1", 200
        ),
        '203.0.113.0 - "GET /<segment> HTTP/1.1" 200',
        '203.0.113.77:51000 - "GET /c4n4ry HTTP/1.1" 200',
    ),
    (
        record(
            "uvicorn.access", '%s - "%s %s HTTP/%s" %d', "2001:db8::7:51000", "get", "/o'c4n4ry", "1.1", 200
        ),
        '2001:db8:: - "get /<segment> HTTP/1.1" 200',
        '2001:db8::7:51000 - "get /o\'c4n4ry HTTP/1.1" 200',
    ),
    (
        record("uvicorn.access", '%s - "%s %s HTTP/%s" %d', "c4" * 400, "GET", "/", "1.1", 200),
        '- - "GET / HTTP/1.1" 200',
        '- - "GET / HTTP/1.1" 200',
    ),
    (
        record("uvicorn.error", '%s - "WebSocket %s" [accepted]', "203.0.113.77:51000", "/ws/c4n4ry?a=b"),
        '203.0.113.0 - "WebSocket /ws/<segment>?a=[redacted]" [accepted]',
        '203.0.113.77:51000 - "WebSocket /ws/c4n4ry?a=[redacted]" [accepted]',
    ),
    (
        record("uvicorn.access", '%s - "%s %s HTTP/%s" %d', "c4, n - x:0", "GET", "/", "1.1", 200),
        '- - "GET / HTTP/1.1" 200',
        '- - "GET / HTTP/1.1" 200',
    ),
    (
        record("django.server", '"%s" %s %s', "GET /users/c4n4ry HTTP/1.1", "200", "5"),
        '"GET /users/<segment> HTTP/1.1" 200 5',
        '"GET /users/c4n4ry HTTP/1.1" 200 5',
    ),
    (
        record("django.server", '"%s" %s %s', "GET /users/o'c4n4ry@x.com HTTP/1.1", "200", "5"),
        '"GET /users/<segment> HTTP/1.1" 200 5',
        '"GET /users/o\'c4n4ry@x.com HTTP/1.1" 200 5',
    ),
    (
        record("django.server", '"%s" %s %s', "c4n4ry", "400", "-"),
        '"[redacted]" 400 -',
        '"[redacted]" 400 -',
    ),
    (
        record("django.server", "- Broken pipe from %s", CLIENT),
        "- Broken pipe from ('203.0.113.0')",
        "- Broken pipe from ('203.0.113.77', 51000)",
    ),
    (
        record(
            "django.channels.server",
            "HTTP %(method)s %(path)s %(status)s [%(time_taken).2f, %(client)s]",
            {"method": "GET", "path": "/c4", "status": 200, "time_taken": 0.1, "client": "203.0.113.77:5"},
        ),
        "HTTP GET /<segment> 200 [0.10, 203.0.113.0]",
        "HTTP GET /c4 200 [0.10, 203.0.113.77:5]",
    ),
    (
        record(
            "daphne.server",
            "Application for %r took too long",
            "<WebRequest method=GET uri=/c4 clientproto=1>",
        ),
        "Application for '<WebRequest method=GET uri=/<segment> clientproto=1>' took too long",
        "Application for '<WebRequest method=GET uri=/c4 clientproto=1>' took too long",
    ),
    (
        record("django.contrib.auth", "Failed to send password reset email to %s", 7),
        "Failed to send password reset email to -",
        "Failed to send password reset email to 7",
    ),
    (
        record("shop", "GET /c4 from 203.0.113.77"),
        "GET /c4 from 203.0.113.77",
        "GET /c4 from 203.0.113.77",
    ),
]


@pytest.mark.parametrize(
    ("said", "told", "whole"), LINES, ids=[f"{each.name} {each.msg}" for each, *_ in LINES]
)
def test_what_servers_and_django_say_themselves(said: logging.LogRecord, told: str, whole: str) -> None:
    """What the project itself says is the project's."""
    assert document(said)["message"] == told
    with override_settings(DJANGO_OBSERVE=WHOLE):
        assert document(said)["message"] == whole


@pytest.mark.parametrize(
    ("logger", "message", "before"),
    [
        ("uvicorn.error", '%s - "WebSocket %s" [accepted]', ("1.2.3.4:5", "/ws/?")),
        ("gunicorn.error", "Error handling request %s", ("",)),
    ],
)
def test_no_line_of_a_server_takes_long(logger: str, message: str, before: tuple[str, ...]) -> None:
    """Of 64 KB, of which servers quote as much: it is an event loop's time."""
    *first, last = before
    assert is_linear(lambda size: document(record(logger, message, *first, last + "[1::" * size)), 16_000)


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("message", ["Not Found: %s", "Forbidden (CSRF cookie not set.): %s"])
def test_djangos_own_lines_have_the_path_as_ours(message: str, escaped: bool) -> None:
    """Newer versions of Django escape it (`django.utils.log.log_response`)."""
    request = RequestFactory().get("/nowhere/c4n4ry-é/")
    path = request.path.encode("unicode_escape").decode("ascii") if escaped else request.path
    said = record("django.request", message, path, request=request, status_code=404)
    assert librarylines.message_of(said) == message % "/nowhere/<segment>/"
    with override_settings(DJANGO_OBSERVE=WHOLE):
        assert librarylines.message_of(said) == message % (request.path if not escaped else path)
    assert "c4n4ry" not in str(document(said))
