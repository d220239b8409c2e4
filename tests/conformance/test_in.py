"""What comes in from a peer: whose ID and trace are continued, and what there is without either."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.collector import Collector
from tests.conformance.incoming import COLUMNS, UUID, Part, expect_echo, expect_new_id, expect_root
from tests.conformance.rows import Row, row
from tests.conformance.services import KIT, Programs, Servers, environment, start_server

FORMS = ("12345678", "a" * 128, "-._" * 4, "Zz09._-" * 4)
PARENTS = {
    "short": "00-0-0-01",
    "zeros": f"00-{'0' * 32}-{'0' * 16}-01",
    "version ff": f"ff-{'a' * 32}-{'b' * 16}-01",
    "text": "<script>",
    "long": "0" * 4_000,
}


@pytest.fixture(scope="module")
def untraced(collector: Collector) -> Iterator[Servers]:
    """Servers whose spans have nowhere to go."""
    variables = {**environment(collector), "OTEL_EXPORTER_OTLP_ENDPOINT": None}
    with Programs(lambda name, stack: start_server(name, stack, variables)) as programs:
        yield programs


@pytest.fixture(params=COLUMNS)
def name(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


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


@row(
    "in",
    "no ID, and tracing is off: a new one",
    column="name",
    without={"span": "there is none"},
)
def test_no_id_untraced(row: Row, untraced: Servers, name: str) -> None:
    if KIT == "hand":
        pytest.skip("an assembly by hand that does not trace is another assembly")
    answer = untraced[name].get("/in/", row, {})
    seen = untraced[name].witness(row, "view")
    with row.aspect("line"):
        assert seen.get("correlation_id") == seen["seen"]
    with row.aspect("readable"):
        assert re.fullmatch(UUID, seen["seen"])
    with row.aspect("trace"):
        assert (seen.get("trace_id"), seen["seen_trace_id"]) == (None, "0" * 32)
    row.expect_clean(untraced[name])
    expect_echo(row, answer, seen["seen"])


@row(
    "in",
    "a peer's unsampled trace: not recorded, the ID all the same",
    column="name",
    without={"span": "it is not recorded"},
)
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
