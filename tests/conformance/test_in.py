"""What comes in: whose ID and trace are continued, what is none, and what a stranger can bring about."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from _pytest.outcomes import Failed

from tests.collector import Collector, Received
from tests.conformance.malformed import KINDS, Case
from tests.conformance.recording import Recording
from tests.conformance.rows import Aspect, Row, row
from tests.conformance.services import Programs, Server, Servers, environment, start_server
from tests.conformance.telemetry import Line
from tests.conformance.wire import exchange
from tests.processes import Answer

SERVERS = ["gunicorn gthread", "uvicorn"]
STRANGE = json.dumps({"TRUSTED_PEERS": ["192.0.2.0/24"]})
"""Settings under which this machine is a stranger."""

REFUSED = {
    "gunicorn gthread": {
        "1 MB",
        "CRLF and a folded line",
        "NUL",
        "backspace",
        "bare CR and a header",
        "bare LF and a header",
        "delete",
        "escape",
    },
    "uvicorn": {"1 MB", "NUL", "bare CR and a header"},
}
"""What a server answers with 400 by itself: no request of Django's, so no ID and no span."""

UUID = r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}"
FORMS = ("12345678", "a" * 128, "-._" * 4, "Zz09._-" * 4)
PARENTS = {
    "short": "00-0-0-01",
    "zeros": f"00-{'0' * 32}-{'0' * 16}-01",
    "version ff": f"ff-{'a' * 32}-{'b' * 16}-01",
    "text": "<script>",
    "long": "0" * 4_000,
}


@dataclass
class Part(Row):
    """One of several cases that make up a row: named in what it finds fault with."""

    case: str = ""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:7])
    answer: Answer | None = None

    @contextmanager
    def aspect(self, name: Aspect) -> Iterator[None]:
        with super().aspect(name):
            try:
                yield
            except (AssertionError, Failed) as fault:
                raise AssertionError(f"{self.case}: {fault}") from fault


@pytest.fixture(scope="session")
def strangers(collector: Collector) -> Iterator[Servers]:
    """Servers to which every test is a stranger."""
    variables = environment(collector, CONFORMANCE_SETTINGS=STRANGE)
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(scope="session")
def untraced(collector: Collector) -> Iterator[Servers]:
    """Servers whose spans have nowhere to go."""
    variables = {**environment(collector), "OTEL_EXPORTER_OTLP_ENDPOINT": None}
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(scope="session")
def recording() -> Iterator[Recording]:
    with Recording() as started:
        yield started


@pytest.fixture(params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


def expect_echo(row: Row, answer: Answer, identifier: str) -> None:
    """The ID in the answer, once."""
    with row.aspect("also"):
        assert (answer.status, answer.headers.get_all("X-Correlation-ID")) == (200, [identifier])


def expect_new_id(row: Row, seen: Line, expected: str) -> None:
    """An ID that nobody sent: `expected`, which is the trace's."""
    row.expect_id(seen, seen["seen"])
    with row.aspect("readable"):
        assert seen["seen"] != row.identifier
        assert re.fullmatch(UUID, seen["seen"])
    with row.aspect("also"):
        assert seen["seen"] == expected


def expect_root(row: Row, seen: Line) -> Received | None:
    """The witness' span is in a trace of its own; its first span."""
    first = None
    with row.aspect("trace"):
        assert seen["seen_trace_id"] != row.trace_id
        first = row.spans.path(seen["seen_span_id"])[-1]
        assert (first.parent_id, first.trace_id) == ("", seen["seen_trace_id"])
    return first


@row("in", "a peer's ID and trace, {header}", column="name")
@pytest.mark.parametrize("header", ["X-Correlation-ID", "X-Request-ID"])
def test_a_peer(row: Row, servers: Servers, name: str, header: str) -> None:
    given = {header: row.identifier, "traceparent": row.headers["traceparent"]}
    answer = servers[name].get("/in/", row, given)
    row.expect(servers[name].witness(row, "view"), servers[name])
    expect_echo(row, answer, row.identifier)


@row("in", "both headers, the first malformed", column="name")
def test_both_headers(row: Row, servers: Servers, name: str) -> None:
    given = {**row.headers, "X-Correlation-ID": "<none>", "X-Request-ID": row.identifier}
    answer = servers[name].get("/in/", row, given)
    row.expect(servers[name].witness(row, "view"), servers[name])
    expect_echo(row, answer, row.identifier)


@row("in", "every form of ID: 8 and 128 characters, each of `A-Za-z0-9._-`", column="name")
def test_every_form(row: Row, servers: Servers, name: str) -> None:
    for form in FORMS:
        part = Part(row.spans, identifier=form, aspects=row.aspects, case=form)
        answer = servers[name].get("/in/", part)
        part.expect(servers[name].witness(part, "view"), servers[name])
        expect_echo(part, answer, form)


@row("in", "no ID: the trace's", column="name")
def test_no_id(row: Row, servers: Servers, name: str) -> None:
    answer = servers[name].get("/in/", row, {"traceparent": row.headers["traceparent"]})
    seen = servers[name].witness(row, "view")
    expect_new_id(row, seen, row.trace_id)
    row.expect_trace(seen)
    row.expect_clean(servers[name])
    expect_echo(row, answer, row.trace_id)


@row("in", "neither ID nor trace: a new one, for both", column="name")
def test_nothing(row: Row, servers: Servers, name: str) -> None:
    answer = servers[name].get("/in/", row, {})
    seen = servers[name].witness(row, "view")
    expect_new_id(row, seen, seen["seen_trace_id"])
    expect_root(row, seen)
    row.expect_clean(servers[name])
    expect_echo(row, answer, seen["seen_trace_id"])


@row("in", "no ID, and tracing is off: a new one", column="name")
def test_no_id_untraced(row: Row, untraced: Servers, name: str) -> None:
    answer = untraced[name].get("/in/", row, {})
    seen = untraced[name].witness(row, "view")
    with row.aspect("line"):
        assert seen.get("correlation_id") == seen["seen"]
        assert seen.get("trace_id") is None, str(seen)
    with row.aspect("readable"):
        assert re.fullmatch(UUID, seen["seen"])
    row.expect_clean(untraced[name])
    expect_echo(row, answer, seen["seen"])


@row("in", "a peer's unsampled trace: not recorded, the ID all the same", column="name")
def test_an_unsampled_trace(row: Row, servers: Servers, name: str) -> None:
    server = servers[name]
    answer = server.get("/in/", row, {**row.headers, "traceparent": row.headers["traceparent"][:-2] + "00"})
    seen = server.witness(row, "view")
    with row.aspect("line"):
        assert seen.get("correlation_id") == row.identifier
    with row.aspect("readable"):
        assert seen["seen"] == row.identifier
    row.expect_clean(server)
    expect_echo(row, answer, row.identifier)
    later = Part(row.spans, aspects=row.aspects, case="a later request")
    server.get("/in/", later)
    later.expect_trace(server.witness(later, "view"))
    with row.aspect("trace"):
        assert seen["seen_trace_id"] == row.trace_id
        assert row.spans.of_trace(row.trace_id) == []


@row("in", "a malformed traceparent: a new trace, the ID all the same", column="name")
def test_a_malformed_traceparent(row: Row, servers: Servers, name: str) -> None:
    for case, parent in PARENTS.items():
        part = Part(row.spans, aspects=row.aspects, case=case)
        answer = servers[name].get("/in/", part, {**part.headers, "traceparent": parent})
        seen = servers[name].witness(part, "view")
        part.expect_id(seen)
        expect_root(part, seen)
        part.expect_clean(servers[name])
        expect_echo(part, answer, part.identifier)


@row("in", "malformed: {kind} ({number} values)", column="name")
@pytest.mark.parametrize(("kind", "number"), [(kind, len(cases)) for kind, cases in KINDS.items()])
def test_malformed(row: Row, servers: Servers, name: str, kind: str, number: int) -> None:
    """The trace goes on, under an ID that is the trace's; the value is told nowhere."""
    server = servers[name]
    parts = sent(row, server, KINDS[kind])
    assert len(parts) == number
    taken = [part for part in parts if part.answer is not None and part.answer.status == 200]
    for part in taken:
        seen = server.witness(part, "view")
        expect_new_id(part, seen, part.trace_id)
        part.expect_trace(seen)
        part.expect_clean(server)
        if part.answer is not None:
            expect_echo(part, part.answer, part.trace_id)
    expect_untold(row, server, parts)
    with row.aspect("also"):
        refused = {part.case for part in parts if part not in taken}
        assert refused == REFUSED[name] & {part.case for part in parts}


def sent(row: Row, server: Server, cases: Sequence[Case]) -> list[Part]:
    """All cases, each in a request of its own, with a trace to go on with."""
    parts = [Part(row.spans, aspects=row.aspects, case=case.name) for case in cases]
    for part, case in zip(parts, cases, strict=True):
        lines = case.lines(part.mark) + f"traceparent: {part.headers['traceparent']}\r\n".encode()
        part.answer = exchange(f"{server.url}/in/?key={part.key}", lines)
    return parts


def expect_untold(row: Row, server: Server, parts: list[Part]) -> None:
    """No line, no answer and no span has any of the malformed values."""
    output = server.process.stdout + server.process.stderr
    spans = str([span.raw for span in row.spans.all().values()])
    for part in parts:
        with part.aspect("line"):
            assert [line for line in output.splitlines() if part.mark in line] == []
        with part.aspect("span"):
            assert part.mark not in spans
        with part.aspect("also"):
            assert part.answer is None or part.mark not in f"{part.answer.headers}{part.answer.body!r}"


@row("in", "a stranger's ID and {sampled} trace: linked, noted, not continued", column="name")
@pytest.mark.parametrize("sampled", ["sampled", "unsampled"])
def test_a_stranger(row: Row, strangers: Servers, name: str, sampled: str) -> None:
    """A stranger neither hides from the traces nor forces its own on them."""
    server = strangers[name]
    flags = {"sampled": "01", "unsampled": "00"}[sampled]
    parent = row.headers["traceparent"][:-2] + flags
    answer = server.get("/in/", row, {**row.headers, "traceparent": parent})
    seen = server.witness(row, "view")
    expect_new_id(row, seen, seen["seen_trace_id"])
    first = expect_root(row, seen)
    row.expect_clean(server)
    expect_echo(row, answer, seen["seen_trace_id"])
    with row.aspect("trace"):
        assert first is not None
        links = [(link.trace_id.hex(), link.span_id.hex()) for link in first.raw.links]
        assert links == [(row.trace_id, row.parent_id)]
    with row.aspect("span"):
        assert first is not None
        assert first.attributes.get("client_correlation_id") == row.identifier
    with row.aspect("also"):
        lines = server.lines.where(event="request", correlation_id=seen["seen_trace_id"])
        assert [line["client_correlation_id"] for line in lines] == [row.identifier]


@row("in", "a stranger with neither: a new ID and trace, nothing to link", column="name")
def test_a_stranger_with_neither(row: Row, strangers: Servers, name: str) -> None:
    server = strangers[name]
    answer = server.get("/in/", row, {})
    seen = server.witness(row, "view")
    expect_new_id(row, seen, seen["seen_trace_id"])
    first = expect_root(row, seen)
    row.expect_clean(server)
    expect_echo(row, answer, seen["seen_trace_id"])
    with row.aspect("also"):
        assert first is not None
        assert list(first.raw.links) == []
        lines = server.lines.where(event="request", correlation_id=seen["seen_trace_id"])
        assert [line.get("client_correlation_id", "none") for line in lines] == ["none"]
        assert "client_correlation_id" not in first.attributes


@row("in", "a stranger's malformed ID, every kind: told nowhere", column="name")
def test_a_strangers_malformed_id(row: Row, strangers: Servers, name: str) -> None:
    server = strangers[name]
    parts = sent(row, server, [case for cases in KINDS.values() for case in cases])
    for part in parts:
        if part.answer is not None and part.answer.status == 200:
            seen = server.witness(part, "view")
            expect_new_id(part, seen, seen["seen_trace_id"])
            expect_root(part, seen)
            part.expect_clean(server)
    expect_untold(row, server, parts)


@row("in", "baggage and tracestate of {whose}", column="name")
@pytest.mark.parametrize("whose", ["a peer", "a stranger"])
def test_baggage(row: Row, request: pytest.FixtureRequest, name: str, whose: str) -> None:
    """None is logged or passed on, but for a peer's tracestate: hosts that get the trace get that as well.

    It is a part of the trace, which W3C Trace Context asks to pass on (section 3.3).
    """
    recording: Recording = request.getfixturevalue("recording")
    server: Server = request.getfixturevalue({"a peer": "servers", "a stranger": "strangers"}[whose])[name]
    baggage, state = Part(row.spans, aspects=row.aspects), Part(row.spans, aspects=row.aspects)
    carried = {"baggage": f"user={baggage.mark}", "tracestate": f"vendor={state.mark}"}
    server.get("/in/forward/", row, {**row.headers, **carried}, url=recording.url("127.0.0.1", row.key))
    seen = server.witness(row, "view")
    identifier = row.identifier if whose == "a peer" else seen["seen_trace_id"]
    row.expect_id(seen, identifier)
    row.expect_clean(server)
    expect_untold(row, server, [baggage] if whose == "a peer" else [baggage, state])
    with row.aspect("line"):
        assert state.mark not in server.process.stdout
    with row.aspect("trace"):
        [told] = recording.told(row.key)
        parent = told.pop("traceparent")[0]
        assert parent.split("-")[1] == seen["seen_trace_id"]
    with row.aspect("also"):
        passed_on = {"tracestate": [carried["tracestate"]]} if whose == "a peer" else {}
        assert told == {"x-correlation-id": [identifier], **passed_on}
