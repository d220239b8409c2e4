"""OpenTelemetry's instrumentations are switched on as their libraries are imported, and import none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collector import Collector
from tests.test_traces import run

LIBRARIES = {
    "httpx": "HTTPXClientInstrumentor",
    "psycopg": "PsycopgInstrumentor",
    "redis": "RedisInstrumentor",
}
"""Which nothing else in the process has imported."""

each_library = pytest.mark.parametrize("library", LIBRARIES)

IS_ON = """
from opentelemetry.instrumentation.{library} import {instrumentor}
say(on={instrumentor}().is_instrumented_by_opentelemetry, failures=reporting.failures(),
    left="OTEL_SEMCONV_STABILITY_OPT_IN" in os.environ)
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


def is_on(library: str) -> str:
    return IS_ON.format(library=library, instrumentor=LIBRARIES[library])


def test_what_is_only_installed_is_not_imported(collector: Collector) -> None:
    facts = run(
        f"client.get('/ok/')\nsay(imported=[name for name in {list(LIBRARIES)} if name in sys.modules])",
        collector,
    )
    assert facts["imported"] == []
    assert [span.name for span in collector.spans()] == ["GET ok/"]


@each_library
def test_it_is_on_as_soon_as_the_project_has_imported_the_library(collector: Collector, library: str) -> None:
    facts = run(f"import {library}\n{is_on(library)}", collector)
    assert (facts["on"], facts["failures"], facts["left"]) == (True, {}, False)


@each_library
def test_it_is_on_where_the_library_was_imported_before(collector: Collector, library: str) -> None:
    assert run(is_on(library), collector, before=f"import {library}")["on"]


@each_library
def test_it_is_on_where_the_project_imports_the_instrumentation_first(
    collector: Collector, library: str
) -> None:
    """Which imports the library in the middle of its own import."""
    facts = run(is_on(library), collector)
    assert (facts["on"], facts["failures"]) == (True, {})


@each_library
def test_what_is_disabled_stays_off(collector: Collector, library: str) -> None:
    facts = run(
        f"import {library}\n{is_on(library)}", collector, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=library
    )
    assert (facts["on"], facts["failures"]) == (False, {})


@each_library
def test_a_version_that_does_not_suit_is_passed_over(collector: Collector, library: str) -> None:
    too_new = f"{library} >= 99"
    facts = run(
        is_on(library),
        collector,
        before=f"""
from opentelemetry.instrumentation.{library} import {LIBRARIES[library]} as unsuitable
unsuitable.instrumentation_dependencies = lambda self: ["{too_new}"]
""",
    )
    assert (facts["on"], facts["failures"]) == (False, {})


SDK_METRICS = (
    "say(on=HTTPXClientInstrumentor().is_instrumented_by_opentelemetry, sdk=[name for name in sys.modules\
    if name in ('opentelemetry.distro', 'opentelemetry.sdk.metrics', 'opentelemetry.sdk._logs')])"
)


@pytest.mark.parametrize(
    ("distro", "imported"),
    [("", []), ("missing", []), ("distro", ["opentelemetry.distro", "opentelemetry.sdk._logs"])],
)
def test_a_distro_is_imported_that_is_asked_for(
    collector: Collector, distro: str, imported: list[str]
) -> None:
    code = f"from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor\n{SDK_METRICS}"
    facts = run(code, collector, OTEL_PYTHON_DISTRO=distro)
    assert facts["on"]
    assert set(imported) <= set(facts["sdk"])
    assert bool(imported) == bool(facts["sdk"])


def test_what_the_project_switched_on_itself_is_not_switched_on_again(collector: Collector) -> None:
    facts = run(
        is_on("redis"),
        collector,
        before="""
from opentelemetry.instrumentation.redis import RedisInstrumentor
RedisInstrumentor().instrument()
""",
    )
    assert facts["on"]
    assert "already instrumented" not in facts["stderr"]


def test_a_library_imported_in_a_request_is_traced_there(collector: Collector) -> None:
    """With the ID and trace of the request; the attributes have their stable names."""
    run(
        """
from django.http import HttpResponse
from django.urls import path
import tests.urls
def view(request):
    import httpx
    httpx.post(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/other", timeout=5)
    return HttpResponse()
tests.urls.urlpatterns.append(path("all/", view))
client.get("/all/", headers={"X-Correlation-ID": "order-4711"})
""",
        collector,
    )
    spans = {span.name: span for span in collector.spans()}
    assert spans["POST"].parent_id == spans["GET all/"].span_id
    assert spans["POST"].attributes["http.request.method"] == "POST"
    assert spans["POST"].attributes["correlation_id"] == "order-4711"
