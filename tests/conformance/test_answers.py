"""Every kind of answer: the ID in it, one log line, one span and one count of it, all under the same ID."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.rows import Row, row
from tests.conformance.services import Server, Servers
from tests.processes import Answer, get

COUNTED = {
    "django_http_requests_before_middlewares_total": "requests",
    "django_http_responses_before_middlewares_total": "responses",
    "django_http_responses_total_by_status_total": "",
}
"""By sample: what it counts; the last one by its label `status`."""


@pytest.fixture(params=["gunicorn gthread", "uvicorn"])
def name(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


@pytest.fixture
def server(servers: Servers, name: str) -> Server:
    return servers[name]


@row("answers", "200", column="name")
def test_200(row: Row, server: Server) -> None:
    expect_answer(row, server, 200, "/answers/fine/")


@row("answers", "204", column="name")
def test_204(row: Row, server: Server) -> None:
    expect_answer(row, server, 204, "/answers/empty/")


@row("answers", "304 by ConditionalGetMiddleware", column="name")
def test_304(row: Row, server: Server) -> None:
    known = server.get("/answers/fine/", Row(row.spans), conditional="yes").headers["ETag"]
    expect_answer(row, server, 304, "/answers/fine/", headers={"If-None-Match": known}, conditional="yes")


@row("answers", "404", column="name")
def test_404(row: Row, server: Server) -> None:
    expect_answer(row, server, 404, "/answers/nowhere/")


@row("answers", "405", column="name")
def test_405(row: Row, server: Server) -> None:
    expect_answer(row, server, 405, "/answers/posted/")


@row("answers", "500: the view raises", column="name")
def test_500(row: Row, server: Server) -> None:
    expect_answer(row, server, 500, "/answers/broken/")


@row("answers", "DisallowedHost", column="name")
def test_disallowed_host(row: Row, server: Server) -> None:
    expect_answer(row, server, 400, "/answers/fine/", headers={"Host": "evil.example"})


@row("answers", "CSRF failure", column="name")
def test_csrf_failure(row: Row, server: Server) -> None:
    expect_answer(row, server, 403, "/answers/posted/", method="POST", csrf="yes")


@row("answers", "PermissionDenied", column="name")
def test_permission_denied(row: Row, server: Server) -> None:
    expect_answer(row, server, 403, "/answers/forbidden/")


@row("answers", "SuspiciousOperation", column="name")
def test_suspicious_operation(row: Row, server: Server) -> None:
    expect_answer(row, server, 400, "/answers/suspicious/")


@row("answers", "APPEND_SLASH redirect", column="name")
def test_append_slash(row: Row, server: Server) -> None:
    answer = expect_answer(row, server, 301, "/answers/fine")
    with row.aspect("also"):
        assert answer.headers["Location"].startswith("/answers/fine/?")


@row("answers", "another middleware raises, {when} the view", column="name")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_middleware_raises(row: Row, server: Server, when: str) -> None:
    expect_answer(row, server, 500, "/answers/fine/", middleware=f"raises {when}")


@row("answers", "another middleware answers early", column="name")
def test_a_middleware_answers(row: Row, server: Server) -> None:
    expect_answer(row, server, 202, "/answers/fine/", middleware="answers")


@row("answers", "another middleware answers for a view that raised", column="name")
def test_a_middleware_apologizes(row: Row, server: Server) -> None:
    expect_answer(row, server, 503, "/answers/broken/", middleware="apologizes")


def expect_answer(
    row: Row,
    server: Server,
    status: int,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    middleware: str = "passes",
    **query: str,
) -> Answer:
    """Asks, and asserts what holds for every answer; the witness is the project's outermost middleware."""
    before = counts(server)
    sent = {**row.headers, **(headers or {})}
    answer = server.get(path, row, sent, method=method, middleware=middleware, **query)
    with row.aspect("readable"):
        row.expect(server.witness(row, "middleware"), server)
    expect_one_of_each(row, server, status)
    with row.aspect("also"):
        assert answer.status == status
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
        assert difference(counts(server), before) == {"requests": 1, "responses": 1, str(status): 1}
    return answer


def expect_one_of_each(row: Row, server: Server, status: int) -> None:
    """One request line and one server span, the caller's child, with that status and the same ID.

    Django says why it refused in a line of its own (django.security), under the same ID.
    """
    with row.aspect("also"):
        lines = [
            line
            for line in server.lines.where(correlation_id=row.identifier)
            if not line.get("logger", "").startswith(("conformance", "django.security."))
        ]
        told = [(line.get("event"), line.get("status"), line.get("trace_id")) for line in lines]
        assert told == [("request", status, row.trace_id)]
    spans = row.spans.where(lambda span: span.trace_id == row.trace_id)
    first = [span for span in spans if span.raw.kind == Span.SPAN_KIND_SERVER]
    with row.aspect("span"):
        names = ("http.response.status_code", "correlation_id")
        found = [tuple(span.attributes.get(name) for name in names) for span in first]
        assert found == [(status, row.identifier)]
    with row.aspect("trace"):
        assert [span.parent_id for span in first] == [row.parent_id]


def counts(server: Server) -> dict[str, float]:
    """What was counted so far: all requests, all responses, and the responses of each status."""
    answer = get(f"{server.url}/metrics")
    text = answer.text if answer.status == 200 else ""
    return {
        COUNTED[sample.name] or sample.labels["status"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in COUNTED
    }


def difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """What was added."""
    return {
        name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)
    }
