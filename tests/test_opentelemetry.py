"""OpenTelemetry's own variables do what its specification says, and its instrumentations are on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_observe
from django_observe.instrumentation import NAMES
from tests.collector import Collector
from tests.demo.servers import postgresql
from tests.test_traces import ROOT, run

REFERENCE = (ROOT / "docs/reference/opentelemetry.md").read_text()
ONE_SPAN = """
with tracer.start_as_current_span("one") as span:
    for number in range(5):
        span.set_attribute(f"own.{number}", "x" * 50)
        span.add_event(f"event {number}", {"a": 1, "b": 2, "c": 3})
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


def test_every_variable_that_the_code_names_is_in_the_reference() -> None:
    sources = [path.read_text() for path in Path(django_observe.__file__).parent.glob("*.py")]
    named = {name for source in sources for name in re.findall(r"OTEL_[A-Z_]+[A-Z]", source)}
    assert {name for name in named if f"`{name}" not in REFERENCE} == set()


@pytest.mark.parametrize(("ratio", "recorded"), [("0", 0), ("1", 5)])
def test_the_ratio_of_the_sampler(collector: Collector, ratio: str, recorded: int) -> None:
    variables = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}
    run("for _ in range(5): client.get('/ok/')", collector, **variables)
    assert [span.name for span in collector.spans()] == ["GET ok/"] * recorded


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, (5, 50, 5, 3)),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2"}, (2, 50, 5, 3)),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "2"}, (2, 50, 5, 2)),
        ({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7"}, (5, 7, 5, 3)),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7"}, (5, 7, 5, 3)),
        ({"OTEL_SPAN_EVENT_COUNT_LIMIT": "2", "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1"}, (5, 50, 2, 1)),
    ],
    ids=str,
)
def test_the_limits_of_a_span(
    collector: Collector, variables: dict[str, str], found: tuple[int, int, int, int]
) -> None:
    """Attributes, the length of each, events, and the attributes of each event."""
    run(ONE_SPAN, collector, **variables)
    [span] = collector.spans()
    [length] = {len(value) for value in span.attributes.values()}
    [each] = {len(event.attributes) for event in span.raw.events}
    assert (len(span.attributes), length, len(span.raw.events), each) == found


@pytest.mark.parametrize(
    ("variables", "headers"),
    [
        ({}, {"Content-Type": "application/x-protobuf"}),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret,tenant=a%20b"},
            {"api-key": "s3cret", "tenant": "a b"},
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=own"}, {"api-key": "own"}),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, {"Content-Encoding": "gzip"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "deflate"}, {"Content-Encoding": "deflate"}),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"Content-Type": "application/x-protobuf"}),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, {"Content-Type": "application/x-protobuf"}),
    ],
    ids=str,
)
def test_what_is_sent_with_each_request(
    collector: Collector, variables: dict[str, str], headers: dict[str, str]
) -> None:
    """The collector decodes what comes, so that the span has arrived is half of each row."""
    run("client.get('/ok/')", collector, **variables)
    assert [span.name for span in collector.spans()] == ["GET ok/"]
    [(path, sent, _)] = collector.requests
    assert path == "/v1/traces"
    assert headers.items() <= sent.items()


def test_the_resource_is_what_the_environment_says(collector: Collector) -> None:
    given = "team=a%20team,service.version=7,deployment.environment.name=staging,service.name=shop"
    run("client.get('/ok/')", collector, OTEL_RESOURCE_ATTRIBUTES=given)
    [span] = collector.spans()
    wanted = {"team": "a team", "service.version": "7", "service.name": "shop"}
    assert {**wanted, "deployment.environment.name": "staging"}.items() <= span.resource.items()


@pytest.mark.parametrize("variable", ["OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"])
def test_an_excluded_url_has_no_span(collector: Collector, variable: str) -> None:
    run(
        "for path in ('/ok/', '/ok/7/', '/logs/'): client.get(path)",
        collector,
        **{variable: r"ok/\d+,/logs/"},
    )
    assert [span.name for span in collector.spans()] == ["GET ok/"]


SWITCHED_ON = """
from importlib.metadata import entry_points
def is_on(entry_point):
    try:
        return entry_point.load()().is_instrumented_by_opentelemetry
    except ImportError:  # of a library that is not installed
        return False
say(on=sorted(each.name for each in entry_points(group="opentelemetry_instrumentor") if is_on(each)))
"""


def test_what_is_installed_is_instrumented_and_nothing_else(collector: Collector) -> None:
    """Django and Celery have spans from modules here; what is merely pulled in with others stays off."""
    assert run(SWITCHED_ON, collector)["on"] == sorted(NAMES)
    assert sorted(NAMES) == ["httpx", "psycopg", "redis", "requests", "sqlite3", "urllib3"]


def test_without_an_endpoint_nothing_is_instrumented() -> None:
    assert run(SWITCHED_ON)["on"] == []


def test_a_query_to_postgresql_is_a_span_of_its_request(collector: Collector) -> None:
    with postgresql("shop") as database:
        connected = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "NAME": "shop"}
        port = database.url.rpartition(":")[2].partition("/")[0]
        run(
            """
from django.db import connection
from django.http import HttpResponse
from django.urls import path
import tests.urls
def view(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["hunter2canary"])
    return HttpResponse()
tests.urls.urlpatterns.append(path("all/", view))
client.get("/all/")
""",
            collector,
            before=f"import tests.settings\ntests.settings.DATABASES = "
            f"{ {'default': {**connected, 'USER': 'demo', 'PORT': port}} }",
        )
    spans = {span.name: span for span in collector.spans()}
    query, request = spans["SELECT"], spans["GET all/"]
    assert query.parent_id == request.span_id
    assert query.attributes["db.system.name"] == "postgresql"
    assert query.attributes["db.query.text"] == "SELECT %s"
    assert request.attributes["django.db.query_count"] == 1
