"""What a browser, a web site, a hostile service or another user of the machine may not do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import django_observe.console
from django_observe.console.masking import REDACTED, masked
from django_observe.console.security import known_host
from tests.console.order import Order
from tests.console.running import Console, request, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

PACKAGE = Path(django_observe.console.__file__).parent
PAGES = ["/traces", "/logs", "/c/none", "/trace/" + "1" * 32, "/trace/xyz", "/nothing", "/api/status"]


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("localhost", True),
        ("localhost:8088", True),
        ("LOCALHOST.:8088", True),
        ("console.localhost:8088", True),
        ("127.0.0.1:8088", True),
        ("127.0.0.2:8088", False),
        ("[::1]:8088", False),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:8088", False),
        ("localhost:8088@evil.example", False),
        ("localhost:x", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(header: str, known: bool) -> None:
    assert known_host(header, ["127.0.0.1"]) is known


def test_ipv6_literal_is_known_when_bound() -> None:
    assert known_host("[::1]:8088", ["127.0.0.1", "::1"])
    assert not known_host("127.0.0.1:8088", ["::1"])


def test_dns_rebinding_is_refused_on_both_ports(console: Console) -> None:
    evil = {"Host": "evil.example", "Content-Type": "application/json"}
    for path in PAGES:
        answer = console.get(path, evil)
        assert (answer.status, b"localhost" in answer.body) == (421, True)
    assert console.post("/v1/traces", b"{}", evil).status == 421
    assert console.get("/traces", {"Host": "localhost"}).status == 200


def test_requests_of_other_sites_are_refused_except_links(console: Console) -> None:
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert console.post("/v1/traces", b"{}", cross).status == 403
    assert console.post("/v1/traces", b"{}", {**cross, "Sec-Fetch-Mode": "navigate"}).status == 403
    assert console.get("/api/logs", cross).status == 403
    assert console.get("/traces", {**cross, "Sec-Fetch-Mode": "no-cors"}).status == 403
    assert console.get("/traces", {**cross, "Sec-Fetch-Mode": "navigate"}).status == 200


def test_no_cors_header_is_ever_sent(console: Console) -> None:
    origin = {"Origin": "http://localhost:3000"}
    preflight = request("OPTIONS", f"{console.otlp}/v1/traces", headers=origin)
    answers = [console.get("/traces", origin), console.post("/v1/traces", b"{}", origin), preflight]
    assert not [
        name for answer in answers for name in answer.headers if name.lower().startswith("access-control")
    ]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_policy(console: Console, order: Order, path: str) -> None:
    headers = console.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_pages_do_not_change_anything(console: Console) -> None:
    for path in ("/traces", "/logs", "/c/x"):
        assert console.submit("/settings", path, x="1").status == 405


def test_secrets_are_masked_in_pages_and_api(console: Console) -> None:
    trace, correlation_id = trace_id(), "masking-1"
    secret = attributes(
        {
            "http.request.header.authorization": "Bearer s3cr3t",
            "password": "s3cr3t",
            "correlation_id": correlation_id,
        }
    )
    one = span_id()
    console.send("/v1/traces", traces("secrets", span(trace, one, attributes=secret)))
    console.send("/v1/logs", logs("secrets", log("line", traceId=trace, attributes=secret)))
    paths = [
        f"/trace/{trace}?span={one}",
        f"/trace/{trace}?tab=json",
        f"/logs?trace_id={trace}",
        f"/api/logs?trace_id={trace}",
        f"/api/v3/traces/{trace}",
        f"/trace/{trace}.json",
        "/api/tail?lines=500",
    ]
    for path in paths:
        text = console.get(path).text
        assert "s3cr3t" not in text
        assert REDACTED in text


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("Authorization", True),
        ("http.request.header.cookie", True),
        ("set-cookie", True),
        ("DB_PASSWORD", True),
        ("api-key", True),
        ("auth.token", True),
        ("refreshToken", True),
        ("client_secret", True),
        ("gen_ai.usage.token_count", False),
        ("http.route", False),
        ("tokenizer", False),
        ("messaging.destination.name", False),
    ],
)
def test_which_keys_sound_secret(key: str, secret: bool) -> None:
    assert (masked({"outer": [{key: "v"}]})["outer"][0][key] == REDACTED) is secret


def test_search_text_is_never_syntax(console: Console, order: Order) -> None:
    for words in (
        '"',
        '" OR "',
        "NEAR(a b)",
        "a AND",
        "body:x",
        "*",
        "(",
        "-x",
        "'; DROP TABLE log; --",
        "\\",
        "^a",
    ):
        answer = request("GET", f"{console.pages}/api/logs?q=" + "".join(f"%{ord(one):02x}" for one in words))
        assert answer.status == 200, (words, answer.text)
        assert "logs" in json.loads(answer.body)


def test_sources_open_no_hole() -> None:
    for file in [
        *PACKAGE.rglob("*.html"),
        *PACKAGE.rglob("*.js"),
        *PACKAGE.rglob("*.css"),
        *PACKAGE.rglob("*.svg"),
    ]:
        text = file.read_text()
        assert not re.search(
            r"\|\s*safe\b|autoescape off|innerHTML|insertAdjacentHTML|document\.write|eval\(", text
        )
        assert not re.search(r"\sstyle=|\son\w+=", text), f"inline style or handler in {file.name}"
        addresses = [found for found in re.findall(r"https?://[^\s\"']+", text) if "www.w3.org" not in found]
        assert not addresses or "vendor" in file.parts, f"{file.name} names {addresses}"
    for file in PACKAGE.rglob("*.py"):
        assert "mark_safe" not in file.read_text()


def test_static_files_may_be_kept_and_nothing_else_may(console: Console) -> None:
    page = console.get("/traces")
    assert page.headers["Cache-Control"] == "no-store"
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        answer = console.get(address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert console.get("/static/0/..%2fsettings.py").status == 404
