"""What a process imports at its start: only what it is going to need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CONTEXT = {
    "opentelemetry",
    "opentelemetry.context",
    "opentelemetry.context.context",
    "opentelemetry.context.contextvars_context",
    "opentelemetry.environment_variables",
}
"""What the correlation ID lies in (ADR 14)."""

FOREIGN = (
    *("celery", "kombu", "channels", "prometheus_client", "django_prometheus", "django_tasks", "google"),
    *("django_guid", "log_request_id", "django_structlog", "structlog"),
)
LIBRARIES = ("requests", "urllib3", "httpx", "psycopg", "redis", "sqlalchemy", "grpc")
SERVING = (
    *("endpoints", "exposition", "export", "health", "observation", "observing", "otlphttp"),
    *("otlpspans", "otlpwire", "provider", "serverspan", "tracer", "celery", "taskrun", "consumers"),
)
SCRUBBING = ("databaseerrors", "patterns", "privacy", "recordfields", "redaction", "secretvalues", "sqltext")
TELLING = (
    "records",
    "taskrecords",
    "consumerrecords",
    "stats",
    "archive",
    "exemplars",
    "killed",
    "valuefiles",
)

MOST_OF_OURS = 53
TAGS = {"templatetags", "templatetags.observe"}
"""Some versions of Django look at every application's tags in `check`, for two of one name."""

CHECK = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check"])
"""
SERVE = """
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""


def run(code: str, **variables: str) -> Any:
    """What `code` says last, in a process of its own; `found` are the modules it has imported by then."""
    code = f"import json, sys\n{code}\nfound = sorted(name for name in sys.modules if sys.modules[name])\n"
    code += "print(json.dumps(said if 'said' in vars() else found))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings", **variables}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code", [CHECK, SERVE, f"import urllib.request\n{SERVE}"], ids=["check", "serve", "with urllib"]
)
def test_without_tracing_nothing_of_opentelemetry_but_its_context_is_imported(code: str) -> None:
    assert {name for name in run(code) if name.startswith("opentelemetry")} == CONTEXT


@pytest.mark.parametrize("code", [CHECK, SERVE], ids=["check", "serve"])
def test_what_is_merely_installed_is_not_imported(code: str) -> None:
    imported = {name.partition(".")[0] for name in run(code)}
    assert imported.isdisjoint({*FOREIGN, *LIBRARIES})


def test_a_command_imports_nothing_that_serves_requests_scrubs_lines_or_tells_of_what_happened() -> None:
    ours = {name.partition(".")[2] for name in run(CHECK) if name.startswith("django_observe.")}
    assert ours.isdisjoint({*SERVING, *SCRUBBING, *TELLING})
    assert len(ours - TAGS) <= MOST_OF_OURS, sorted(ours)


FORK = """
import os, signal, threading, time
import django
django.setup()
said = ["django_observe.records" in sys.modules]


class Slow:
    def find_spec(self, name, *_):
        if name == "django_observe.stats":
            importing.set()
            time.sleep(0.2)


def records():
    import django_observe.records


importing = threading.Event()
sys.meta_path.insert(0, Slow())
threading.Thread(target=records).start()
importing.wait()
if not (child := os.fork()):
    signal.alarm(10)
    records()
    os._exit(0)
said.append(os.waitpid(child, 0)[1])
"""


def test_a_fork_waits_for_the_import_of_what_its_child_will_need() -> None:
    """In the child nobody would ever end an import that another thread has begun."""
    assert run(FORK) == [False, 0]


def test_a_server_has_imported_what_serves_before_its_first_request() -> None:
    ours = {name.partition(".")[2] for name in run(SERVE) if name.startswith("django_observe.")}
    assert {"observation", "observing", "privacy", "records"} <= ours


def test_tracing_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """Each of these was a megabyte or more of every worker."""
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "NETRC"), "")
    found = set(run(SERVE, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", HOME=str(tmp_path), **proxies))
    assert {"django_observe.otlphttp", "opentelemetry.sdk.trace", "urllib3"} <= found
    assert found.isdisjoint({"requests", "charset_normalizer", "idna", "google.protobuf", "certifi"})
    assert found.isdisjoint({"opentelemetry.distro", "opentelemetry.sdk.metrics", "opentelemetry.sdk._logs"})


SPAN = """
import django
django.setup()
from django_observe import correlated, currentspan, logcontext, traces
before = [currentspan.span_in(), traces.current(), logcontext.current()[1]]
before.append("opentelemetry.trace" in sys.modules)
from opentelemetry import trace
inside = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=False))
with trace.use_span(inside):
    current, line = traces.current(), logcontext.current()
    bare = trace.get_current_span(currentspan.without(None)) is trace.INVALID_SPAN
said = [before, current.trace_id, list(line[1:]), bare, traces.current()]
"""


def test_a_span_is_seen_that_the_project_made_by_itself() -> None:
    before, trace_id, line, bare, after = run(SPAN)
    assert before == [None, None, None, False]
    assert trace_id == f"{0xABC:032x}"
    assert line == [f"{0xABC:032x}", f"{0xDEF:016x}"]
    assert bare is True
    assert after is None


PROPAGATORS = """
import django
django.setup()
early = "opentelemetry.propagate" in sys.modules
from django_observe import correlated, propagation
names = sorted(propagation.fields())
from opentelemetry import propagate
carrier = {}
with correlated("order-4711"):
    propagate.inject(carrier)
said = [early, names, sorted(propagation.fields()), carrier]
"""


def test_the_id_propagates_from_whenever_something_does() -> None:
    early, before, after, carrier = run(PROPAGATORS)
    assert early is False
    assert before == after
    assert carrier == {"x-correlation-id": "order-4711"}


def test_propagators_that_are_asked_for_are_looked_for_at_the_start() -> None:
    early, _, fields, _ = run(PROPAGATORS, OTEL_PROPAGATORS="tracecontext,baggage")
    assert early is True
    assert "baggage" in fields
