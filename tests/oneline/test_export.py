"""One line and one variable, OTEL_EXPORTER_OTLP_ENDPOINT: spans arrive under the ID the response carried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import Collector, Received
from tests.oneline.broker import redis
from tests.oneline.environments import Environment
from tests.oneline.output import complaints
from tests.oneline.project import SERVERS
from tests.oneline.service import served, working
from tests.processes import wait_until


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with redis() as url:
        yield url


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.mark.parametrize("server", SERVERS)
def test_a_request_arrives_as_a_span_under_the_id_of_its_response(
    django_environment: Environment, project: Path, collector: Collector, server: str
) -> None:
    with served(django_environment, server, project, collector.environment) as service:
        identifier = service.get("/").headers["X-Correlation-ID"]
        [span] = wait_until(lambda: spans_of(collector, identifier), "the request's span")
        line = service.line(identifier, event="request")
        assert (line["trace_id"], line["span_id"]) == (span.trace_id, span.span_id)
        assert complaints(service.process.stderr) == []
    assert identifier == span.trace_id
    assert span.resource["service.name"] == "shop"
    assert span.raw.name == "GET /"


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_task_joins_the_trace_of_the_request_that_sent_it(
    django_environment: Environment, project: Path, collector: Collector, broker: str, pool: str
) -> None:
    variables = {**collector.environment, "CELERY_BROKER_URL": broker}
    with (
        served(django_environment, "gunicorn sync", project, variables) as web,
        working(django_environment, pool, project, variables) as worker,
    ):
        identifier = web.get("/order/7/").headers["X-Correlation-ID"]
        request, publish, run = wait_until(lambda: chain_of(collector, identifier), "the trace's three spans")
        assert worker.line(identifier, event="task")["span_id"] == run.span_id
        assert complaints(worker.process.stderr) == []
    assert (publish.parent_id, run.parent_id) == (request.span_id, publish.span_id)
    assert {span.trace_id for span in (request, publish, run)} == {identifier}


def spans_of(collector: Collector, identifier: str) -> list[Received]:
    return [span for span in collector.spans() if span.attributes.get("correlation_id") == identifier]


def chain_of(collector: Collector, identifier: str) -> list[Received]:
    """Request, publish and run, once all three have arrived: OTLP's kinds SERVER, PRODUCER and CONSUMER."""
    kinds = {span.raw.kind: span for span in spans_of(collector, identifier)}
    return [kinds[kind] for kind in (2, 4, 5)] if {2, 4, 5} <= kinds.keys() else []
