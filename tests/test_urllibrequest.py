"""The client span of urllib.request, as a real process exports it."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from demo_services.ports import free_port
from tests.collector import Collector, Received
from tests.test_outbound import Recorder
from tests.test_traces import run

FETCH = """
import urllib.error, urllib.request
def fetch(path, port={port}, **more):
    url = f"http://localhost:{{port}}/{{path}}"
    try:
        urllib.request.urlopen(urllib.request.Request(url, **more), timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except urllib.error.URLError:
        pass
"""


@pytest.fixture
def port() -> Iterator[int]:
    handler = type("Handler", (Recorder,), {"seen": [], "do_BREW": Recorder.do_GET})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http.server_address[1]
        http.shutdown()
        thread.join()


def fetched(port: int, code: str, **variables: str) -> list[Received]:
    """The client spans of a process that fetches."""
    with Collector() as collector:
        run(FETCH.format(port=port) + code, collector, **variables)
        return [span for span in collector.spans() if span.raw.kind == Span.SPAN_KIND_CLIENT]


def test_each_host_that_was_asked_is_a_client_span(port: int) -> None:
    code = 'with tracer.start_as_current_span("work"): fetch("200?token=hunter2"); fetch("to/localhost")'
    first, *others = fetched(port, code)
    assert first.name == "GET"
    assert first.parent_id
    assert first.attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "localhost",
        "server.port": port,
        "url.full": f"http://localhost:{port}/200?token=[redacted]",
    }
    assert [span.attributes["http.response.status_code"] for span in others] == [302, 200]
    assert {span.parent_id for span in others} == {first.parent_id}


def test_a_refusal_an_unknown_method_and_a_dead_host_are_told(port: int) -> None:
    code = f'fetch("404"); fetch("200", method="BREW"); fetch("", {free_port()})'
    refused, unknown, dead = fetched(port, code)
    assert refused.attributes["error.type"] == "404"
    assert (unknown.name, unknown.attributes["http.request.method_original"]) == ("HTTP", "BREW")
    assert dead.attributes["error.type"] == "urllib.error.URLError"
    assert dead.raw.events[0].name == "exception"
    codes = [span.raw.status.code for span in (refused, unknown, dead)]
    assert codes == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR]


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "urllib"}, {"OTEL_PYTHON_URLLIB_EXCLUDED_URLS": "/200"}],
    ids=["disabled", "excluded"],
)
def test_there_is_no_span_where_a_variable_says_so(port: int, variables: dict[str, str]) -> None:
    assert fetched(port, 'fetch("200")', **variables) == []


def test_the_variables_are_read_when_they_are_needed(port: int) -> None:
    assert fetched(port, 'os.environ["OTEL_PYTHON_EXCLUDED_URLS"] = "/200"; fetch("200")') == []


def test_a_request_of_anothers_making_is_sent_all_the_same(port: int) -> None:
    code = """
import http.client
from types import SimpleNamespace
class Like(SimpleNamespace):
    def get_method(self): return "GET"
    def get_full_url(self): return "http://localhost:PORT/200"
def asked():
    return Like(type="http", host="localhost:PORT", selector="/200", headers={}, unredirected_hdrs={},
                timeout=5, data=None, _tunnel_host=None, get_header=lambda name, default=None: default,
                has_header=lambda name: True)
handler = urllib.request.HTTPHandler()
with handler.http_open(asked()) as answer, handler.do_open(http.client.HTTPConnection, req=asked()) as other:
    assert answer.status == other.status == 200
"""
    assert fetched(port, code.replace("PORT", str(port))) == []


def test_a_span_that_cannot_be_ended_costs_the_caller_nothing(port: int) -> None:
    code = """
from opentelemetry.sdk.trace import SpanProcessor
class Stubborn(SpanProcessor):
    def on_end(self, span): raise RuntimeError("not at the end")
trace.get_tracer_provider().add_span_processor(Stubborn())
fetch("200")
"""
    [span] = fetched(port, code)
    assert span.attributes["http.response.status_code"] == 200


def test_opentelemetrys_own_instrumentation_is_not_doubled(port: int) -> None:
    code = """
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
URLLibInstrumentor().instrument()
fetch("200")
"""
    [span] = fetched(port, code)
    assert span.scope == "opentelemetry.instrumentation.urllib"
