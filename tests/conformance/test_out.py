"""What goes out by HTTP: who is told the ID and the trace, by every client, and who is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector import Collector
from tests.conformance.recording import TOLD, Headers, Recording
from tests.conformance.rows import Row, row
from tests.conformance.services import Programs, Server, Servers, environment, start_server
from tests.conformance.telemetry import Line

ALLOWED, FOREIGN = "localhost", "127.0.0.1"
SETTINGS = json.dumps({"PROPAGATE_TO": [ALLOWED]})
"""This machine is told by one of its names, and is a stranger by the other."""

HOSTS = {"where the host may be told": ALLOWED, "and at any other": FOREIGN}
CLIENTS = ["requests", "requests.Session", "urllib3", "httpx", "httpx async", "urllib.request"]
STATE = "vendor=internal"
OWN = "the-callers-own"


@pytest.fixture(scope="module")
def callers(collector: Collector) -> Iterator[Servers]:
    """Servers that call."""
    variables = environment(collector, CONFORMANCE_SETTINGS=SETTINGS)
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording() as started:
        yield started


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


@pytest.fixture
def server(callers: Servers, client: str) -> Server:
    """The one that calls: an async client in an async view."""
    return callers["uvicorn" if client == "httpx async" else "gunicorn gthread"]


def call(row: Row, server: Server, client: str, url: str, **query: str) -> Line:
    """A request of the row, whose view fetches `url`; all it promises but what the other end was told."""
    path = "/out/async/" if client == "httpx async" else "/out/"
    sent = {**row.headers, "tracestate": STATE, "baggage": "user=alice"}
    answer = server.get(path, row, sent, client=client, url=url, **query)
    before, after = server.witness(row, "before"), server.witness(row, "view")
    row.expect(after, server)
    with row.aspect("clean"):
        assert (after["seen"], after["seen_span_id"]) == (before["seen"], before["seen_span_id"])
    with row.aspect("also"):
        assert (answer.status, answer.text) == (200, "200")
    return after


def expect_told(row: Row, told: Headers, view: Line) -> None:
    """The ID, and a trace: of the client's own span, which bears the ID, below the view's; no tracestate."""
    with row.aspect("readable"):
        assert told.get("x-correlation-id") == [row.identifier]
    with row.aspect("also"):
        assert told.keys() == {"x-correlation-id", "traceparent"}
    with row.aspect("trace"):
        _, trace_id, span_id, _ = "".join(told.get("traceparent", ["---"])).split("-")
        path = row.spans.path(span_id, row.parent_id)
        assert (trace_id, path[-1].parent_id) == (row.trace_id, row.parent_id)
        assert view["seen_span_id"] in [span.span_id for span in path[1:]]
        assert path[0].raw.kind == Span.SPAN_KIND_CLIENT
    with row.aspect("span"):
        assert row.spans.get(span_id).attributes.get("correlation_id") == row.identifier


@row("out", "to a host that may be told: the ID and the trace", column="client")
def test_allowed(row: Row, server: Server, recording: Recording, client: str) -> None:
    view = call(row, server, client, recording.url(ALLOWED, row.key))
    [told] = recording.told(row.key)
    expect_told(row, told, view)


@row("out", "to any other host: nothing", column="client")
def test_foreign(row: Row, server: Server, recording: Recording, client: str) -> None:
    call(row, server, client, recording.url(FOREIGN, row.key))
    with row.aspect("also"):
        assert recording.told(row.key) == [{}]


@row("out", "redirected to another host: nothing there", column="client")
def test_redirected_away(row: Row, server: Server, recording: Recording, client: str) -> None:
    view = call(row, server, client, recording.url(ALLOWED, row.key, f"to/{FOREIGN}"))
    first, second = recording.told(row.key)
    expect_told(row, first, view)
    with row.aspect("also"):
        assert second == {}


@row("out", "redirected from another host: the ID and the trace", column="client")
def test_redirected_back(row: Row, server: Server, recording: Recording, client: str) -> None:
    view = call(row, server, client, recording.url(FOREIGN, row.key, f"to/{ALLOWED}"))
    first, second = recording.told(row.key)
    expect_told(row, second, view)
    with row.aspect("also"):
        assert first == {}


@row("out", "tried again after a 503", column="client")
@pytest.mark.parametrize("client", [each for each in CLIENTS if "httpx" not in each], indirect=True)
def test_tried_again(row: Row, server: Server, recording: Recording, client: str) -> None:
    """By the client itself where it can (Session, urllib3), else by the view's own loop."""
    view = call(row, server, client, recording.url(ALLOWED, row.key, "flaky"))
    first, second = recording.told(row.key)
    expect_told(row, first, view)
    expect_told(row, second, view)


@row("out", "tried again after a refused connection", column="client")
@pytest.mark.parametrize("client", [each for each in CLIENTS if "httpx" in each], indirect=True)
def test_refused(row: Row, server: Server, client: str) -> None:
    """The host begins to listen when the client has said that it was refused."""
    with Recording(listens=False) as recording, ThreadPoolExecutor(1) as pool:
        called = pool.submit(call, row, server, client, recording.url(ALLOWED, row.key))
        refused = server.witness(row, "refused")
        recording.listen()
        view = called.result()
    row.expect_id(refused)
    [told] = recording.told(row.key)
    expect_told(row, told, view)


@row("out", "an X-Correlation-ID that the caller set stays as it is, {where}", column="client")
@pytest.mark.parametrize("where", HOSTS)
def test_own(row: Row, server: Server, recording: Recording, client: str, where: str) -> None:
    call(row, server, client, recording.url(HOSTS[where], row.key), own=OWN)
    with row.aspect("also"):
        [told] = recording.told(row.key)
        assert told.get("x-correlation-id") == [OWN]
        assert ("traceparent" in told) is (HOSTS[where] == ALLOWED)


@row("out", "the exporter's own requests: no span, neither ID nor trace", column="client")
@pytest.mark.parametrize("client", ["requests"], indirect=True)
def test_the_exporter(
    row: Row, server: Server, recording: Recording, client: str, collector: Collector
) -> None:
    call(row, server, client, recording.url(ALLOWED, row.key))
    with row.aspect("span"):
        assert row.spans.where(lambda span: collector.url in span.attributes.get("url.full", "")) == []
    with row.aspect("also"):
        sent = {name.lower() for _, headers, _ in collector.requests for name in headers}
        assert sent & set(TOLD) == set()
