"""What is counted: each thing once, under the names dashboards know, in a bounded number of series."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django_prometheus import migrations, models
from django_prometheus.cache import metrics as cache_metrics
from django_prometheus.db import metrics as database_metrics
from django_prometheus.middleware import Metrics, PrometheusBeforeMiddleware
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from django_observe import collectors, export, exposition, metrics, metricset, reporting
from django_observe.ledger import Ledger
from django_observe.records import (
    CacheGet,
    Call,
    Exchange,
    Failure,
    ModelChange,
    NewConnection,
    Query,
    TaskEvent,
    TaskRun,
)
from django_observe.superseded import Superseded, superseded
from django_observe.vocabulary import Label, Metric

BEFORE = "django_prometheus.middleware.PrometheusBeforeMiddleware"
AFTER = "django_prometheus.middleware.PrometheusAfterMiddleware"
Sampled = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def _bound_anew() -> Iterator[None]:
    metrics.reset()
    yield
    metrics.reset()


def samples() -> Sampled:
    """Every sample of the registry, but for those that tell when it was made."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def of_requests() -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every series but the ledger's, whose threads of earlier tests may still be at work."""
    return {series for series in samples() if not series[0].startswith("observe_telemetry_")}


def grown(before: Sampled, name: str) -> dict[tuple[str, ...], float]:
    """By how much the samples of a name grew, by their label values in the order of the labels' names."""
    return {
        tuple(value for _, value in labels): value - before.get((sample, labels), 0)
        for (sample, labels), value in samples().items()
        if sample == name and value != before.get((sample, labels), 0)
    }


def exchange(**fields: Any) -> Exchange:
    return Exchange(**{"correlation_id": "0123456789", "method": "GET", "path": "/", **fields})


def form(collector: Any) -> tuple[str, str, tuple[str, ...], tuple[float, ...]]:
    kind = collector._type
    name = f"{collector._name}_total" if kind == "counter" else collector._name
    bounds = tuple(collector._kwargs.get("buckets", ()))
    return name, kind, tuple(collector._labelnames), tuple(bound for bound in bounds if bound != float("inf"))


def declared(metric: Metric) -> tuple[str, str, tuple[str, ...], tuple[float, ...]]:
    name = metric.total if metric.kind == "counter" else metric.name
    return name, metric.kind, metric.labels, tuple(map(float, metric.buckets or ()))


@pytest.mark.parametrize(
    ("prefix", "theirs"),
    [
        ("django_http_", vars(Metrics.get_instance())),
        ("django_db_", vars(database_metrics)),
        ("django_cache_", vars(cache_metrics)),
        ("django_model_", vars(models)),
        ("django_migrations_", vars(migrations)),
    ],
)
def test_the_declared_families_are_those_django_prometheus_registers(
    prefix: str, theirs: dict[str, Any]
) -> None:
    registered = {form(value) for value in theirs.values() if isinstance(value, MetricWrapperBase)}
    ours = {declared(metric) for metric in metricset.ALL_FAMILIES if metric.name.startswith(prefix)}
    assert ours == registered


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status", "view"),
    [
        ("/ok/", "200", "ok"),
        ("/boom/", "500", "boom"),
        ("/denied/", "403", "denied"),
        ("/stream/", "200", "stream"),
        ("/nowhere/", "404", "<unnamed view>"),
        ("/queries/", "200", "queries"),
    ],
)
def test_each_request_is_counted_once_everywhere(path: str, status: str, view: str) -> None:
    client = Client(raise_request_exception=False)
    before = samples()
    for _ in range(3):
        list(client.get(path))
    latency = "django_http_requests_latency_seconds_by_view_method_count"
    assert grown(before, latency) == {("GET", view): 3}
    assert grown(before, "django_http_requests_latency_including_middlewares_seconds_count") == {(): 3}
    assert grown(before, "django_http_requests_before_middlewares_total") == {(): 3}
    assert grown(before, "django_http_responses_total_by_status_total") == {(status,): 3}
    by_view = "django_http_responses_total_by_status_view_method_total"
    assert grown(before, by_view) == {("GET", status, view): 3}
    matched = {("GET", "http", view): 3} if view in path else {}
    assert grown(before, "django_http_requests_total_by_view_transport_method_total") == matched


def test_an_exception_counts_once_by_type_and_by_view() -> None:
    before = samples()
    Client(raise_request_exception=False).get("/boom/")
    assert grown(before, "django_http_exceptions_total_by_type_total") == {("ValueError",): 1}
    assert grown(before, "django_http_exceptions_total_by_view_total") == {("boom",): 1}


def test_errors_are_counted_from_zero_on_before_the_first_comes() -> None:
    reporting.report(exchange(status=200, seconds=0.01))
    assert samples()["django_http_responses_total_by_status_total", (("status", "500"),)] >= 0


def test_a_probe_that_fails_is_no_request_of_the_services_users() -> None:
    before = samples()
    with override_settings(
        CACHES={**settings.CACHES, "sessions": {"BACKEND": "tests.test_health.Forgetful"}}
    ):
        assert Client().get("/readyz").status_code == 503
    assert grown(before, "django_http_responses_total_by_status_total") == {}


def test_sizes_and_the_rarer_facts_of_an_exchange() -> None:
    before = samples()
    metrics.report(
        exchange(status=200, seconds=0.1, bytes_in=3, bytes_out=1000, template="a.html", ajax=True)
    )
    metrics.report(exchange(status=200, seconds=0.1, streaming=True, bytes_out=5, charset="utf-8"))
    assert grown(before, "django_http_requests_body_total_bytes_sum") == {(): 3}
    assert grown(before, "django_http_responses_body_total_bytes_sum") == {(): 1000}
    assert grown(before, "django_http_responses_body_total_bytes_count") == {(): 1}
    assert grown(before, "django_http_responses_streaming_total") == {(): 1}
    assert grown(before, "django_http_responses_total_by_templatename_total") == {("a.html",): 1}
    assert grown(before, "django_http_ajax_requests_total") == {(): 1}
    assert grown(before, "django_http_responses_total_by_charset_total") == {("utf-8",): 1}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.010001, 75, 1e9])
def test_an_observation_falls_into_the_bucket_prometheus_client_would_choose(seconds: float) -> None:
    before = samples()
    metrics.report(exchange(status=200, seconds=seconds))
    ours = grown(before, "django_http_requests_latency_including_middlewares_seconds_bucket")
    before = samples()
    Metrics.get_instance().requests_latency_before.observe(seconds)
    assert grown(before, "django_http_requests_latency_including_middlewares_seconds_bucket") == ours


def test_a_client_cannot_make_series_with_verbs_and_paths() -> None:
    client = Client()
    client.generic("M0", "/nowhere/0/")
    before = of_requests()
    for number in range(1, 1_001):
        client.generic(f"M{number}", f"/nowhere/{number}/")
    assert of_requests() == before


def test_a_family_with_too_many_label_sets_folds_the_rest_and_says_so() -> None:
    before = samples()
    for number in range(collectors.MAX_LABEL_SETS + 50):
        metrics.report(Call(method="GET", host=f"host-{number}.test", status=200, seconds=0.1))
    counts = grown(before, "http_client_request_duration_seconds_count")
    REGISTRY._names_to_collectors["http_client_request_duration_seconds"].clear()  # type: ignore[attr-defined]
    assert counts[("GET", "200", "other")] == 50
    assert len(counts) == collectors.MAX_LABEL_SETS + 1
    assert grown(before, "observe_metric_overflow_total") == {("http_client_request_duration_seconds",): 50}


@pytest.mark.parametrize(
    ("given", "exposed"),
    [
        ("plain", "plain"),
        ("grün", "grün"),
        ("bad\ud800end", "bad?end"),
        ("two\nlines\x00", "two?lines?"),
        ("x" * 500, "x" * 200),
    ],
)
def test_label_values_are_made_fit_to_be_exposed(given: str, exposed: str) -> None:
    before = samples()
    metrics.report(Call(method="GET", host=given, status=None, seconds=0.1))
    assert grown(before, "http_client_request_duration_seconds_count") == {("GET", "", exposed): 1}
    body, _ = exposition.render("", several=False)
    assert f'server_address="{exposed}"'.replace("\n", "") in body.decode()


class Liar(str):
    """A text that says of itself that it is empty."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __getitem__(self, _: object) -> str:
        return "x" * 1_000


def test_a_family_keeps_of_a_long_value_what_it_exposes() -> None:
    durations, host = collectors.timer_family(metricset.CLIENT_DURATION), "h" * 300
    before = samples()
    for value in (host, host + "1", Liar(host), host + "\u2028", "s" * 1_000_000):
        durations.bound(value, "GET", "200").time(0.1, None, 0)
    assert grown(before, "http_client_request_duration_seconds_count") == {
        ("GET", "200", "h" * 200): 4,
        ("GET", "200", "s" * 200): 1,
    }
    kept = {labels[0] for labels in (*durations._children, *durations._bound)}
    assert kept == {"h" * 200, "s" * 200}
    assert {type(value) for value in kept} == {str}


TASK: dict[str, Any] = {"task": "shop.bill", "hostname": "w1", "queue": "celery"}


def task_run(state: str, **fields: Any) -> TaskRun:
    return TaskRun(**{"correlation_id": "0123456789", "task_id": "1", "state": state, **TASK, **fields})


@pytest.mark.parametrize(
    ("state", "sample"),
    [
        ("SUCCESS", "celery_task_succeeded_total"),
        ("RETRY", "celery_task_retried_total"),
        ("REJECTED", "celery_task_rejected_total"),
    ],
)
def test_a_run_is_counted_by_its_outcome_and_timed(state: str, sample: str) -> None:
    before = samples()
    metrics.report(task_run(state, seconds=2, queue_wait_seconds=0.5))
    assert grown(before, sample) == {("w1", "shop.bill", "celery"): 1}
    assert grown(before, "celery_task_runtime_sum") == {("w1", "shop.bill", "celery"): 2}
    assert grown(before, "celery_task_queue_wait_time_sum") == {("w1", "shop.bill", "celery"): 0.5}


def test_a_failed_run_names_its_exception_and_an_ignored_one_is_no_failure() -> None:
    before = samples()
    failure = Failure("ValueError", "boom", "")
    for state in ("FAILURE", "IGNORED"):
        metrics.report(
            TaskRun(correlation_id="0123456789", task_id="1", state=state, seconds=1, failure=failure, **TASK)
        )
    assert grown(before, "celery_task_failed_total") == {("ValueError", "w1", "shop.bill", "celery"): 1}
    assert grown(before, "celery_task_runtime_count") == {("w1", "shop.bill", "celery"): 2}


@pytest.mark.parametrize("state", ["SENT", "RECEIVED", "STARTED", "REVOKED", "REJECTED"])
def test_a_task_event_is_counted(state: str) -> None:
    before = samples()
    metrics.report(TaskEvent(task_id="1", state=state, **TASK))
    assert grown(before, f"celery_task_{state.lower()}_total") == {("w1", "shop.bill", "celery"): 1}


def test_a_task_that_no_worker_knows_is_counted_without_its_name() -> None:
    before = samples()
    metrics.report(TaskEvent(task_id="1", state="REJECTED", registered=False, **TASK))
    assert grown(before, "celery_task_rejected_total") == {("w1", "other", "celery"): 1}


def test_every_count_of_a_task_is_there_from_its_first_message_on() -> None:
    task = {**TASK, "task": "shop.first"}
    metrics.report(TaskEvent(task_id="1", state="SENT", **task))
    seen = {name for name, labels in samples() if ("name", "shop.first") in labels}
    assert seen == {"celery_task_sent_total"}
    metrics.report(TaskEvent(task_id="1", state="RECEIVED", **task))
    seen = {name for name, labels in samples() if ("name", "shop.first") in labels}
    kinds = ("sent", "received", "started", "succeeded", "failed", "rejected", "revoked", "retried")
    assert seen == {f"celery_task_{kind}_total" for kind in kinds}


def test_every_count_of_a_cache_or_model_is_there_from_the_first_on() -> None:
    metrics.report(CacheGet(backend="first", keys=2, hits=1))
    metrics.report(ModelChange(model="first", operation="delete"))
    seen = {name: value for (name, labels), value in samples().items() if "first" in dict(labels).values()}
    assert seen == {
        "django_cache_get_total": 2,
        "django_cache_get_hits_total": 1,
        "django_cache_get_misses_total": 1,
        "django_cache_get_fail_total": 0,
        "django_model_inserts_total": 0,
        "django_model_updates_total": 0,
        "django_model_deletes_total": 1,
    }


@pytest.mark.django_db
def test_statements_and_connections_are_counted_by_database() -> None:
    before = samples()
    metrics.report(Query(alias="default", vendor="sqlite", seconds=0.2, many=True))
    metrics.report(Query(alias="default", vendor="sqlite", seconds=0.2, failure="IntegrityError"))
    metrics.report(NewConnection(alias="default", vendor="sqlite"))
    database = ("default", "sqlite")
    assert grown(before, "django_db_execute_total") == {database: 2}
    assert grown(before, "django_db_execute_many_total") == {database: 1}
    assert grown(before, "django_db_query_duration_seconds_count") == {database: 2}
    assert grown(before, "django_db_errors_total") == {("default", "IntegrityError", "sqlite"): 1}
    assert grown(before, "django_db_new_connections_total") == {database: 1}
    metrics.report(NewConnection(alias="default", vendor="sqlite", failure="OperationalError"))
    assert grown(before, "django_db_new_connections_total") == {database: 1}
    assert grown(before, "django_db_new_connection_errors_total") == {database: 1}


PROMETHEUS_ENGINE = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"], DATABASES={"default": {
    "ENGINE": "django_prometheus.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
from django.db import connection
from prometheus_client import REGISTRY
connection.cursor().execute("select 1")
labels = {"alias": "default", "vendor": "sqlite"}
for name in ("django_db_new_connections_total", "django_db_execute_total"):
    print(name, REGISTRY.get_sample_value(name, labels))
"""


def python(program: str, **variables: str) -> str:
    """What a fresh interpreter prints for `program`."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_database_engine_of_django_prometheus_counts_for_itself() -> None:
    assert python(PROMETHEUS_ENGINE).splitlines() == [
        "django_db_new_connections_total 1.0",
        "django_db_execute_total 1.0",
    ]


def test_what_the_projects_django_prometheus_middleware_counts_is_left_to_it() -> None:
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, BEFORE, AFTER]):
        assert superseded() == Superseded((BEFORE, AFTER), before=True, after=True)
        before = samples()
        for _ in range(2):
            Client().get("/ok/")
    assert grown(before, "django_http_requests_before_middlewares_total") == {(): 2}
    latency = "django_http_requests_latency_seconds_by_view_method_count"
    assert grown(before, latency) == {("GET", "ok"): 2}
    assert grown(before, "django_http_responses_total_by_status_total") == {("200",): 2}


class Extended(PrometheusBeforeMiddleware):  # type: ignore[misc]
    """As projects do to name their own labels."""


def test_a_middleware_that_extends_theirs_is_found_as_well() -> None:
    path = f"{__name__}.Extended"
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, path]):
        assert superseded() == Superseded((path,), before=True)


def test_without_that_middleware_nothing_is_superseded() -> None:
    assert superseded() == Superseded()


FIRST_RECORD = """
import sys, django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"])
django.setup()
print("prometheus_client" in sys.modules)
from django_observe import reporting
from django_observe.records import Call
reporting.report(Call(method="GET", host="a.test", status=200, seconds=0.1))
print("prometheus_client" in sys.modules, reporting.failures())
"""


def test_prometheus_client_is_not_imported_before_the_first_record() -> None:
    assert python(FIRST_RECORD).splitlines() == ["False", "True {}"]


TAKEN_NAME = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"])
from prometheus_client import Counter, Gauge, REGISTRY
Gauge("http_client_request_duration_seconds", "The project's own, in another form.")
Counter("celery_task_sent_total", "The project's own, in our form.", ["name", "hostname", "queue_name"])
django.setup()
from django_observe import exposition, reporting
from django_observe.records import Call, TaskEvent
for _ in range(3):
    reporting.report(Call(method="GET", host="a.test", status=200, seconds=0.1))
    reporting.report(TaskEvent(task="t", task_id="1", state="SENT"))
labels = {"name": "t", "hostname": "unknown", "queue_name": "unknown"}
print(REGISTRY.get_sample_value("celery_task_sent_total", labels))
print(reporting.failures())
print(b'observe_internal_failures_total{place="metrics"} 1.0' in exposition.render("", several=False)[0])
"""


def test_a_name_that_is_taken_is_shared_or_given_up_but_never_a_fault_of_the_service() -> None:
    assert python(TAKEN_NAME).splitlines() == ["3.0", "{'metrics': 1}", "True"]


def test_the_ledger_is_mirrored_by_what_it_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = samples()
    for accepted in (7, 7, 10):
        books = {"traces": Ledger(accepted, accepted - 4, {"queue_full": 3}, 1, 1_700_000_000.0)}
        monkeypatch.setattr(export, "snapshot", lambda books=books: books)
        metrics.mirror()
    metrics.reset()
    assert grown(before, "observe_telemetry_accepted_total") == {("traces",): 10}
    assert grown(before, "observe_telemetry_exported_total") == {("traces",): 6}
    assert grown(before, "observe_telemetry_dropped_total") == {("queue_full", "traces"): 3}
    now = samples()
    assert now[("observe_telemetry_queued", ((Label.SIGNAL, "traces"),))] == 1
    last = "observe_telemetry_last_success_timestamp_seconds"
    assert now[(last, ((Label.SIGNAL, "traces"),))] == 1_700_000_000.0


FIRST_EVENT = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"])
django.setup()
from django_observe import backlog, export, exposition
from django_observe.ledger import Ledger
def told():
    page = exposition.render("", several=False)[0].decode().splitlines()
    return sorted(line[len("observe_telemetry_"):] for line in page if line.startswith("observe_telemetry_"))
print([line for line in told() if "_total" in line])
export.pipeline("traces")
backlog.snapshot = lambda: {"stdout": Ledger(3, 0, {"queue_full": 3})}
for _ in range(2):
    lines = told()
print(*lines, sep="\\n")
"""


def test_the_ledgers_counters_start_at_0_with_every_reason_that_a_signal_can_have() -> None:
    before, *lines = python(FIRST_EVENT).splitlines()
    assert before == "[]"
    reasons = ("encode", "queue_full", "refused", "rejected", "shutdown", "too_large", "undelivered")
    assert [line for line in lines if line.startswith("dropped_total")] == [
        'dropped_total{reason="encode",signal="traces"} 0.0',
        'dropped_total{reason="queue_full",signal="stdout"} 3.0',
        *(f'dropped_total{{reason="{reason}",signal="traces"}} 0.0' for reason in reasons[1:4]),
        'dropped_total{reason="shutdown",signal="stdout"} 0.0',
        *(f'dropped_total{{reason="{reason}",signal="traces"}} 0.0' for reason in reasons[4:6]),
        'dropped_total{reason="undelivered",signal="stdout"} 0.0',
        'dropped_total{reason="undelivered",signal="traces"} 0.0',
    ]
    assert {'accepted_total{signal="traces"} 0.0', 'exported_total{signal="traces"} 0.0'} < set(lines)
    assert {'accepted_total{signal="stdout"} 3.0', 'exported_total{signal="stdout"} 0.0'} < set(lines)


def test_faults_of_telemetry_are_counted_by_place() -> None:
    metrics.mirror()
    before = samples()
    with reporting.guard("here"):
        raise ValueError
    metrics.mirror()
    metrics.mirror()
    assert grown(before, "observe_internal_failures_total") == {("here",): 1}


@override_settings(MIDDLEWARE=["no.such.Middleware"])
def test_a_middleware_that_cannot_be_imported_is_not_our_fault() -> None:
    assert superseded() == Superseded()
