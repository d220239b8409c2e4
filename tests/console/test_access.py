"""The token, other addresses than 127.0.0.1, other names, and the one origin that may send from a browser."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.console.running import JSON, ROOT, Console, request, running, span_id, trace_id
from tests.console.telemetry import span, traces
from tests.processes import Process

ORIGIN = "http://localhost:3000"
PAGES = ["/", "/traces", "/logs", "/c/x", "/trace/" + "1" * 32, "/search?q=x", "/nothing"]
APIS = ["/api/status", "/api/logs", "/api/ids", "/api/v3/services", "/api/v3/traces/" + "1" * 32]


@pytest.fixture(scope="module")
def locked() -> Iterator[Console]:
    with running("--memory", "--token", "--cors-origin", ORIGIN, "--allowed-host", "Observe.Test") as started:
        yield started


def bearer(console: Console) -> dict[str, str]:
    return {"Authorization": f"Bearer {console.token}"}


def cookie(console: Console) -> dict[str, str]:
    answer = console.get(f"/?token={console.token}")
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


def test_the_token_is_long_random_and_printed_once(locked: Console) -> None:
    with running("--memory", "--token") as other:
        assert len(other.token) == len(locked.token) == 32
        assert other.token != locked.token
    assert (locked.process.stdout + locked.process.stderr).count(locked.token) == 1


def test_the_environment_may_give_the_token() -> None:
    with running("--memory", "--token", env={"DJANGO_OBSERVE_CONSOLE_TOKEN": "of-the-team"}) as console:
        assert console.token == "of-the-team"
        assert console.get("/traces", bearer(console)).status == 200


@pytest.mark.parametrize("path", PAGES + APIS)
def test_nothing_is_shown_without_the_token(locked: Console, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Cookie": "observe_1=x"},
        {"X-Observe-Token": ""},
    ):
        answer = locked.get(path, headers)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="console"')
        assert locked.token not in answer.text
        assert "Set-Cookie" not in answer.headers
    assert locked.get(path, {"Authorization": f"Basic {locked.token}"}).status == 401
    assert locked.get(f"{path}{'&' if '?' in path else '?'}token=wrong").status == 401


def test_the_printed_url_leaves_a_strict_cookie_and_a_clean_address(locked: Console) -> None:
    answer = locked.get(f"/logs?q=a+b&token={locked.token}")
    assert (answer.status, answer.headers["Location"]) == (302, "/logs?q=a+b")
    parts = {part.strip() for part in answer.headers["Set-Cookie"].split(";")}
    assert parts == {
        f"observe_{urlsplit(locked.pages).port}={locked.token}",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
    }
    for path in ("/traces", "/api/status"):
        page = locked.get(path, cookie(locked))
        assert page.status == 200
        assert locked.token not in page.text
    again = locked.get(f"/traces?token={locked.token}", cookie(locked))
    assert (again.status, again.headers["Location"]) == (302, "/traces")


def test_signing_in_redirects_within_the_console_only(locked: Console) -> None:
    answer = locked.get(f"//evil.example/x?token={locked.token}")
    assert answer.headers["Location"] == "/evil.example/x"


def test_the_api_takes_the_token_as_a_header(locked: Console) -> None:
    assert locked.get("/api/status", bearer(locked)).status == 200
    assert locked.get("/api/status", {"Authorization": f"bearer  {locked.token} "}).status == 200
    assert locked.get("/api/status", {"X-Observe-Token": locked.token}).status == 200


def test_ingest_needs_the_token_as_a_header(locked: Console) -> None:
    trace = trace_id()
    body = json.dumps(traces("sender", span(trace, span_id()))).encode()
    for wrong in ({}, {"Authorization": "Bearer wrong"}, cookie(locked)):
        answer = locked.post("/v1/traces", body, wrong)
        assert answer.status == 401
        assert "OTEL_EXPORTER_OTLP_HEADERS" in answer.text
    assert locked.post(f"/v1/traces?token={locked.token}", body).status == 401
    status = json.loads(locked.get("/api/status", bearer(locked)).body)
    assert status["last_refusal"] == {"status": 401, "reason": "The token is missing or wrong."}
    assert locked.get(f"/api/v3/traces/{trace}", bearer(locked)).status == 404
    assert locked.post("/v1/traces", body, bearer(locked)).status == 200
    assert locked.get(f"/api/v3/traces/{trace}", bearer(locked)).status == 200


@pytest.mark.parametrize("form", ["Authorization=Bearer%20{}", "x-observe-token={}"])
def test_the_official_exporter_sends_the_token_from_its_variable(
    locked: Console, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", form.format(locked.token))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{locked.otlp}/v1/traces")))
    sent = provider.get_tracer("scope").start_span("signed")
    sent.end()
    provider.shutdown()
    trace = format(sent.get_span_context().trace_id, "032x")
    assert locked.get(f"/api/v3/traces/{trace}", bearer(locked)).status == 200


def test_the_empty_page_tells_of_the_variable_but_not_the_token() -> None:
    with running("--memory", "--token") as console:
        text = console.get("/traces", bearer(console)).text
        assert "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20&lt;the token&gt;" in text
        assert console.token not in text


def test_an_allowed_host_is_answered(locked: Console) -> None:
    assert locked.get("/traces", {**bearer(locked), "Host": "observe.test:8088"}).status == 200
    assert locked.get("/traces", {**bearer(locked), "Host": "other.test"}).status == 421


PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
    "Sec-Fetch-Site": "cross-site",
}


def test_the_one_origin_may_send_from_a_browser(locked: Console) -> None:
    answer = request("OPTIONS", f"{locked.otlp}/v1/traces", headers=PREFLIGHT)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (
        204,
        ORIGIN,
        "Origin",
    )
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert {"Content-Type", "Authorization"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
    own = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
    sent = locked.post("/v1/traces", b"{}", {**own, **bearer(locked)})
    assert (sent.status, sent.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert locked.post("/v1/traces", b"{}", own).status == 401, "the origin does not replace the token"


@pytest.mark.parametrize(
    "origin", ["http://localhost:3001", "https://localhost:3000", "null", f"{ORIGIN}.evil.test"]
)
def test_other_origins_get_no_word_of_cors(locked: Console, origin: str) -> None:
    answers = [
        request("OPTIONS", f"{locked.otlp}/v1/traces", headers={**PREFLIGHT, "Origin": origin}),
        locked.post("/v1/traces", b"{}", {**bearer(locked), "Origin": origin}),
        locked.get("/traces", {**bearer(locked), "Origin": origin}),
        locked.get("/traces", {**bearer(locked), "Origin": ORIGIN}),
    ]
    assert answers[0].status == 403
    assert not [name for one in answers for name in one.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("origin", ["*", "null", "http://localhost:3000/", "localhost:3000"])
def test_only_an_origin_is_an_origin(origin: str) -> None:
    words = [sys.executable, "-m", "django_observe.cli", "console", "--memory", "--cors-origin", origin]
    with Process(words, cwd=ROOT) as process:
        assert process.popen.wait(20) == 2
        assert "is not an origin" in process.stderr


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_localhost_may_be_either_address(console: Console) -> None:
    for address in (console.pages, console.otlp):
        port = urlsplit(address).port
        for host in ("[::1]", "127.0.0.1", "localhost"):
            answer = request("POST", f"http://{host}:{port}/v1/traces", b"{}", {"Content-Type": JSON})
            assert answer.status == (200 if address == console.otlp else 404), host


@contextmanager
def held_on_ipv6_alone() -> Iterator[str]:
    """A port that this process has on ::1, while nobody has it on 127.0.0.1."""
    while True:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as holder:
            port = holder.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                continue
            yield str(port)
            return


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_a_port_taken_on_ipv6_is_named_with_its_holder() -> None:
    with held_on_ipv6_alone() as port:
        words = [sys.executable, "-m", "django_observe.cli", "console", "--memory", "--port", "0"]
        with Process([*words, "--otlp-port", port], cwd=ROOT) as process:
            assert process.popen.wait(20) == 2
            assert f"Port {port} on ::1 is taken by pid {os.getpid()}" in process.stderr


def test_all_addresses_with_a_token_and_a_warning() -> None:
    with running("--memory", "--host", "0.0.0.0", "--token") as console:  # noqa: S104 - what is tested
        assert "other machines reach this console on 0.0.0.0" in console.process.stderr
        assert console.pages.startswith("http://127.0.0.1:")
        assert console.get("/traces").status == 401
        assert console.get("/traces", {**bearer(console), "Host": "192.0.2.7:8088"}).status == 200
        assert console.get("/traces", {**bearer(console), "Host": "evil.example"}).status == 421


def test_it_listens_within_a_second(tmp_path: Path) -> None:
    """The budget is 1 s of one processor; other work on the machine does not count."""
    with running("--db", tmp_path / "console.db") as console:
        clock = os.sysconf("SC_CLK_TCK")
        fields = Path(f"/proc/{console.process.pid}/stat").read_text().rpartition(")")[2].split()
        assert (int(fields[11]) + int(fields[12])) / clock < 1.0
