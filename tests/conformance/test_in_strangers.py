"""What comes in from a stranger: what it can bring about, and what not; and what nobody may carry on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.collector import Collector
from tests.conformance.incoming import (
    COLUMNS,
    Part,
    expect_echo,
    expect_new_id,
    expect_root,
    expect_untold,
    sent,
)
from tests.conformance.malformed import KINDS
from tests.conformance.recording import Recording
from tests.conformance.rows import Row, row
from tests.conformance.services import Programs, Server, Servers, environment, start_server

SETTINGS = json.dumps({"TRUSTED_PEERS": ["192.0.2.0/24"]})
"""This machine is a stranger."""


@pytest.fixture(scope="module")
def strangers(collector: Collector) -> Iterator[Servers]:
    """Servers to which every test is a stranger."""
    variables = environment(collector, CONFORMANCE_SETTINGS=SETTINGS)
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(scope="module")
def recording() -> Iterator[Recording]:
    with Recording() as started:
        yield started


@pytest.fixture(params=COLUMNS)
def name(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


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


@row("in", "baggage and tracestate of {whose}: told nowhere, not passed on", column="name")
@pytest.mark.parametrize("whose", ["a peer", "a stranger"])
def test_baggage(row: Row, request: pytest.FixtureRequest, name: str, whose: str) -> None:
    """None is logged, put on a span or passed on (ADR 15)."""
    recording: Recording = request.getfixturevalue("recording")
    server: Server = request.getfixturevalue({"a peer": "servers", "a stranger": "strangers"}[whose])[name]
    baggage, state = Part(row.spans, aspects=row.aspects), Part(row.spans, aspects=row.aspects)
    carried = {"baggage": f"user={baggage.mark}", "tracestate": f"vendor={state.mark}"}
    server.get("/in/forward/", row, {**row.headers, **carried}, url=recording.url("127.0.0.1", row.key))
    seen = server.witness(row, "view")
    identifier = row.identifier if whose == "a peer" else seen["seen_trace_id"]
    row.expect_id(seen, identifier)
    row.expect_clean(server)
    expect_untold(row, server, [baggage, state])
    with row.aspect("trace"):
        [told] = recording.told(row.key)
        parent = told.pop("traceparent")[0]
        assert parent.split("-")[1] == seen["seen_trace_id"]
    with row.aspect("also"):
        assert told == {"x-correlation-id": [identifier]}
