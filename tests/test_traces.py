"""Tracing in real processes: what is started, what arrives at a receiver, and what never leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.test import override_settings

from demo_services.ports import free_port
from django_observe import traces
from tests.collector import Collector, Mode, Received
from tests.processes import Process, get

ROOT = Path(__file__).parent.parent
CANARY = "hunter2canary"

SETUP = """
import json, os, sys, threading, time
import django
from django.conf import settings
django.setup()
from django.test import Client
from opentelemetry import trace
from django_observe import export, reporting, traces
client = Client(raise_request_exception=False)
tracer = trace.get_tracer("script")
def threads():
    return sorted(each.name for each in threading.enumerate() if each.name.startswith("django_observe"))
def say(**facts):
    print("FACTS", json.dumps(facts), flush=True)
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


def environment(collector: Collector | None, **variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {
        **clean,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        **(collector.environment if collector else {}),
        **variables,
    }


def run(
    code: str, collector: Collector | None = None, *, before: str = "", **variables: str
) -> dict[str, Any]:
    """Runs `before`, `SETUP` and `code` in a new process; the facts it said last."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{before}\n{SETUP}\n{code}"],
        cwd=ROOT,
        env=environment(collector, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    facts = [line for line in ended.stdout.splitlines() if line.startswith("FACTS ")]
    result: dict[str, Any] = json.loads(facts[-1][6:]) if facts else {}
    return result | {"stdout": ended.stdout, "stderr": ended.stderr}


def by_name(collector: Collector) -> dict[str, Received]:
    return {each.name: each for each in collector.spans()}


def test_nothing_is_started_where_spans_have_nowhere_to_go() -> None:
    facts = run(
        """
client.get("/ok/")
say(on=traces.enabled(), sdk="opentelemetry.sdk.trace" in sys.modules, threads=threads())
"""
    )
    assert (facts["on"], facts["sdk"], facts["threads"]) == (False, False, [])
    assert "opentelemetry" not in facts["stderr"].lower()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "console"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "console, otlp"}, True),
    ],
    ids=str,
)
def test_standard_variables_switch_tracing(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert traces.wanted() is wanted
    with override_settings(DJANGO_OBSERVE={"TRACES": False}):
        assert not traces.wanted()


def test_ready_may_run_again_and_starts_no_thread(collector: Collector) -> None:
    facts = run(
        """
from django.apps import apps
provider = trace.get_tracer_provider()
for _ in range(3):
    apps.get_app_config("django_observe").ready()
before = threads()
client.get("/ok/")
say(before=before, after=threads(), same=trace.get_tracer_provider() is provider,
    processors=len(provider._active_span_processor._span_processors),
    middleware=settings.MIDDLEWARE, failures=reporting.failures(),
    left="OTEL_SEMCONV_STABILITY_OPT_IN" in os.environ)
""",
        collector,
    )
    assert facts["before"] == []
    assert facts["after"] == ["django_observe.traces"]
    assert facts["same"]
    assert facts["processors"] == 1
    assert facts["middleware"] == ["django_observe.middleware.ObserveMiddleware"]
    assert facts["failures"] == {}
    assert not facts["left"], "child processes must not inherit what we set"
    assert [each.name for each in collector.spans()] == ["GET ok/"]
    assert "already instrumented" not in facts["stderr"]


def test_a_request_its_queries_and_its_calls_are_one_trace(collector: Collector) -> None:
    run(
        """
from django.db import connection
from django.http import HttpResponse
from django.urls import path
import requests, tests.urls
def view(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    requests.post(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/other?api_key=hunter2canary", timeout=5)
    return HttpResponse()
tests.urls.urlpatterns.append(path("all/", view))
client.get("/all/", headers={"X-Correlation-ID": "order-4711"})
for _ in range(20):
    client.get("/ok/")
    export.flush(5)
""",
        collector,
    )
    spans = [each for each in collector.spans() if each.name != "GET ok/"]
    server = next(each for each in spans if each.name == "GET all/")
    assert {each.name for each in spans} == {"GET all/", "SELECT", "POST"}
    assert {each.trace_id for each in spans} == {server.trace_id}
    assert {each.parent_id for each in spans if each is not server} == {server.span_id}
    assert {each.attributes["correlation_id"] for each in spans} == {"order-4711"}
    assert server.attributes["django.db.query_count"] == 1
    call = next(each for each in spans if each.name == "POST")
    assert call.attributes["url.full"].endswith("/v1/other?api_key=[redacted]")
    query = next(each for each in spans if each.name == "SELECT")
    assert query.attributes["db.query.text"] == "SELECT ?"
    assert server.resource["service.name"] == "tests"
    assert server.resource["deployment.environment.name"] == "production"
    assert server.resource["telemetry.distro.name"] == "django-observe-kit"
    assert server.resource["service.instance.id"]
    assert len(collector.spans()) == 20 + 3, "sending spans makes no spans"


def test_an_instrumentation_can_be_disabled(collector: Collector) -> None:
    run(
        """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
client.get("/ok/")
""",
        collector,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="requests, sqlite3",
    )
    assert [each.name for each in collector.spans()] == ["GET ok/"]


def test_a_provider_of_the_projects_own_is_respected(collector: Collector) -> None:
    facts = run(
        """
client.get("/ok/", headers={"X-Correlation-ID": "order-4711"})
spans = exporter.get_finished_spans()
say(spans=[[each.name, each.attributes["correlation_id"]] for each in spans],
    own=trace.get_tracer_provider() is own)
""",
        collector,
        before="""
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, own = InMemorySpanExporter(), TracerProvider()
own.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(own)
""",
    )
    assert (facts["spans"], facts["own"]) == ([["GET ok/", "order-4711"]], True)
    assert "not allowed" not in facts["stderr"]
    assert collector.attempts == 0


def test_beside_opentelemetry_instrument_there_is_one_span_per_request(collector: Collector) -> None:
    script = f"{SETUP}\nfor _ in range(3): client.get('/ok/')\ntrace.get_tracer_provider().force_flush()"
    ended = subprocess.run(
        [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(
            collector,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
            PYTHONPATH=str(ROOT),
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert [each.name for each in collector.spans()] == ["GET ok/"] * 3
    assert all(each.attributes["correlation_id"] == each.trace_id for each in collector.spans())


def test_the_standard_sampler_decides(collector: Collector) -> None:
    facts = run(
        "say(id=client.get('/ok/').headers['X-Correlation-ID'])", collector, OTEL_TRACES_SAMPLER="always_off"
    )
    assert len(facts["id"]) == 32
    assert collector.attempts == 0


def test_strangers_decide_neither_sampling_nor_the_trace(collector: Collector) -> None:
    run(
        """
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
client.get("/ok/", headers={"traceparent": parent + "00"}, REMOTE_ADDR="8.8.8.8")
client.get("/ok/1/", headers={"traceparent": parent + "00"})
client.get("/ok/2/", headers={"traceparent": parent + "01"})
""",
        collector,
    )
    stranger, trusted = collector.spans()
    assert stranger.parent_id == ""
    assert stranger.raw.links[0].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert trusted.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trusted.parent_id == "b7ad6b7169203331"


def test_no_secret_leaves(collector: Collector) -> None:
    """A canary in every place of a span; the raw requests are searched for it."""
    run(
        """
from django.http import HttpResponse
from django.urls import path
import tests.urls
S = "hunter2canary"
def view(request, token):
    span = trace.get_current_span()
    span.set_attribute("password", S)
    span.set_attribute("note", f"token={S} and https://user:{S}@host/ and Bearer {S}")
    span.set_attribute("http.url", f"https://shop/?q={S}")
    span.set_attribute("url.full", f"https://shop/?q={S}#x")
    span.set_attribute("many", [f"api_key={S}"] * 3)
    span.add_event("note", {"detail": f"secret: {S}", "api_key": S})
    with tracer.start_as_current_span(f"SELECT password='{S}'") as inner:
        inner.add_link(span.get_span_context(), {"password": S})
        inner.set_status(trace.Status(trace.StatusCode.ERROR, f"password={S}"))
    raise ValueError(f"password={S}")
tests.urls.urlpatterns.append(path("reset/<token>/", view))
headers = {"Authorization": f"Bearer {S}", "Cookie": f"sessionid={S}", "Referer": f"https://shop/?q={S}"}
client.get(f"/reset/{S}/?token={S}&q={S}", headers=headers)
say(failures=reporting.failures())
""",
        collector,
    )
    assert len(collector.spans()) == 2
    for _, _, body in collector.requests:
        assert CANARY.encode() not in body
    server = by_name(collector)["GET reset/<token>/"]
    assert [event.name for event in server.raw.events] == ["note", "exception"]


def test_keys_to_scrub_may_change_at_run_time(collector: Collector) -> None:
    run(
        """
from django.test import override_settings
def sell():
    with tracer.start_as_current_span("iban=DE89") as span:
        span.set_attribute("note", "iban=DE89")
    export.flush(5)
sell()
with override_settings(DJANGO_OBSERVE={"SCRUB_KEYS": ["iban"]}):
    sell()
sell()
""",
        collector,
    )
    expected = ["iban=DE89", "iban=[redacted]", "iban=DE89"]
    assert [each.name for each in collector.spans()] == expected
    assert [each.attributes["note"] for each in collector.spans()] == expected


def test_a_poisonous_span_takes_no_other_with_it(collector: Collector) -> None:
    facts = run(
        """
big = "x" * 70_000_000
poisons = ["\\ud800", big, float("nan"), 2**70, b"\\xff", ["\\ud800", 2**70], {"a": {"b": 2**70}}]
for number in range(20):
    with tracer.start_as_current_span(f"good {number}"):
        pass
for poison in poisons:
    with tracer.start_as_current_span("bad\\ud800") as span:
        span.set_attribute("poison", poison)
        span.set_attribute("\\ud800", 1)
        span.add_event("bad\\ud800", {"poison": poison})
say(flushed=export.flush(20), lost=export.snapshot()["traces"].lost)
""",
        collector,
    )
    assert facts["flushed"], facts
    assert facts["lost"] == 0
    found = collector.spans()
    assert len([each for each in found if each.name.startswith("good")]) == 20
    bad = [each for each in found if each.name.startswith("bad")]
    assert len(bad) == 7
    assert max(len(str(each.attributes["poison"])) for each in bad) < 5_000


def test_a_quiet_request_is_traced_only_when_it_fails(collector: Collector) -> None:
    facts = run(
        """
from django.test import override_settings
with override_settings(DJANGO_OBSERVE={"QUIET_PATHS": ["/queries/", "/boom/", "/ok/"]}):
    with tracer.start_as_current_span("before"):
        pass
    client.get("/ok/")
    client.get("/queries/?fails=because-there-are-no-tables")
    client.get("/boom/")
say(open=len(trace.get_tracer_provider()._active_span_processor._span_processors[0]._held))
""",
        collector,
    )
    assert facts["open"] == 0
    names = [each.name for each in collector.spans()]
    assert names[0] == "before"
    assert names[-1] == "GET boom/"
    assert "GET ok/" not in names
    failed = by_name(collector)["GET queries/"]
    assert any(each.parent_id == failed.span_id for each in collector.spans()), "its query came with it"


def test_a_quiet_request_holds_back_no_span_of_another_request(collector: Collector) -> None:
    """Both go on with the same caller's trace, at the same time."""
    run(
        """
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
import tests.urls
asked, answer = threading.Event(), threading.Event()
def quiet(request):
    asked.set()
    answer.wait(10)
    with tracer.start_as_current_span("inside"):
        return HttpResponse()
tests.urls.urlpatterns.append(path("quiet/", quiet))
headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
with override_settings(DJANGO_OBSERVE={"QUIET_PATHS": ["/quiet/"]}):
    thread = threading.Thread(target=lambda: client.get("/quiet/", headers=headers))
    thread.start()
    asked.wait(10)
    client.get("/ok/", headers=headers)
    answer.set()
    thread.join()
""",
        collector,
    )
    assert [each.name for each in collector.spans()] == ["GET ok/"]


def test_a_quiet_request_that_was_given_up_is_traced(collector: Collector) -> None:
    """As it is logged."""
    run(
        """
from django.core.handlers.wsgi import WSGIHandler
from django.http import StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
import tests.urls
tests.urls.urlpatterns.append(path("quiet/", lambda request: StreamingHttpResponse(iter([b"1", b"2"]))))
with override_settings(DJANGO_OBSERVE={"QUIET_PATHS": ["/quiet/"]}):
    response = WSGIHandler()(RequestFactory().get("/quiet/").environ, lambda *_: None)
    next(iter(response))
    response.close()
""",
        collector,
    )
    assert [each.name for each in collector.spans()] == ["GET quiet/"]


def test_a_stream_is_measured_to_its_end_and_its_failure_is_one(collector: Collector) -> None:
    run(
        """
from django.http import StreamingHttpResponse
from django.urls import path
import tests.urls
def slow(request):
    def chunks():
        for _ in range(3):
            time.sleep(0.1)
            with tracer.start_as_current_span("chunk"):
                yield b"x"
    return StreamingHttpResponse(chunks())
tests.urls.urlpatterns.append(path("slow/", slow))
b"".join(client.get("/slow/"))
try:
    b"".join(client.get("/broken-stream/"))
except ValueError:
    pass
""",
        collector,
    )
    spans = by_name(collector)
    slow, broken = spans["GET slow/"], spans["GET broken-stream/"]
    assert slow.raw.end_time_unix_nano - slow.raw.start_time_unix_nano >= 0.3e9
    assert spans["chunk"].trace_id == slow.trace_id
    assert broken.raw.status.code == 2
    assert broken.attributes["error.type"] == "ValueError"
    assert broken.raw.events[0].name == "exception"


def test_a_bad_host_has_a_span(collector: Collector) -> None:
    run(
        """
settings.MIDDLEWARE.append("django.middleware.common.CommonMiddleware")
say(status=client.get("/ok/", headers={"host": "evil.example"}).status_code)
""",
        collector,
    )
    (span,) = collector.spans()
    assert span.attributes["http.response.status_code"] == 400
    assert span.attributes["server.address"] == "evil.example"


def test_a_forked_child_delivers_its_own_and_only_its_own(collector: Collector) -> None:
    facts = run(
        """
with tracer.start_as_current_span("parent before"):
    pass
reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    began = export.snapshot()["traces"].accepted
    with tracer.start_as_current_span("child"):
        pass
    export.shutdown(5)
    os.write(writer, json.dumps([began, export.snapshot()["traces"].exported, threads()]).encode())
    os._exit(0)
os.waitpid(pid, 0)
with tracer.start_as_current_span("parent after"):
    pass
export.flush(5)
say(child=json.loads(os.read(reader, 1000)), parent=export.snapshot()["traces"].exported)
""",
        collector,
        OTEL_BSP_SCHEDULE_DELAY="60000",
    )
    assert facts["child"][:2] == [0, 1]
    assert facts["parent"] == 2
    assert sorted(each.name for each in collector.spans()) == ["child", "parent after", "parent before"]
    spans = by_name(collector)
    instances = [spans[name].resource["service.instance.id"] for name in ("parent after", "child")]
    assert len(set(instances)) == 2


def test_sending_imports_nothing(collector: Collector) -> None:
    """A child that is forked while the worker imports could never import that module."""
    facts = run(
        """
before = set(sys.modules)
with tracer.start_as_current_span("span"):
    pass
sent = export.flush(5)
say(sent=sent, imported=sorted(set(sys.modules) - before))
""",
        collector,
    )
    assert facts["sent"]
    assert facts["imported"] == []


LATE = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
ONE_SPAN = "with tracer.start_as_current_span('last words'): pass\n"


def test_the_last_spans_are_sent_at_exit(collector: Collector) -> None:
    run(ONE_SPAN, collector, **LATE)
    assert [each.name for each in collector.spans()] == ["last words"]


@pytest.mark.parametrize("where", ["f()", "g()\nthreading.Thread(target=f).start()"])
def test_sigterm_sends_the_last_spans_and_still_kills(where: str, collector: Collector) -> None:
    script = f"""{SETUP}
def g():
    {ONE_SPAN}
def f():
    g()
    print("ready", flush=True)
{where}
time.sleep(60)
"""
    env = environment(collector, **LATE)
    with Process([sys.executable, "-c", script], cwd=ROOT, env=env) as process:
        process.wait_for_line("ready")
        assert process.stop() == -signal.SIGTERM
    assert [each.name for each in collector.spans()] == ["last words"] * where.count("()")


def test_sigterm_is_the_applications_until_there_is_something_to_say(collector: Collector) -> None:
    facts = run(
        f"""
import signal
before = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
{ONE_SPAN}
say(before=before, after=signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
""",
        collector,
    )
    assert (facts["before"], facts["after"]) == (True, False)


def test_a_later_handler_that_calls_the_one_before_it_ends_the_process_itself(collector: Collector) -> None:
    facts = run(
        f"""
import signal
{ONE_SPAN}
previous = signal.getsignal(signal.SIGTERM)
def graceful(number, frame):
    previous(number, frame)
    export.flush(5)
    say(finished=True)
    sys.exit()
signal.signal(signal.SIGTERM, graceful)
os.kill(os.getpid(), signal.SIGTERM)
""",
        collector,
        **LATE,
    )
    assert facts["finished"]
    assert [each.name for each in collector.spans()] == ["last words"]


def test_a_forked_child_dies_of_sigterm_until_it_has_something_to_say(collector: Collector) -> None:
    facts = run(
        f"""
import signal
def untouched():
    return signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
{ONE_SPAN}
reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    before = untouched()
    {ONE_SPAN}
    os.write(writer, json.dumps([before, untouched()]).encode())
    os._exit(0)
os.waitpid(pid, 0)
say(child=json.loads(os.read(reader, 1000)), parent=untouched())
""",
        collector,
    )
    assert facts["child"] == [True, False]
    assert not facts["parent"]


def test_sigterm_kills_where_no_thread_can_be_started(collector: Collector) -> None:
    script = f"""{SETUP}
import resource, signal
{ONE_SPAN}
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
threading.stack_size(2**34)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(20)
"""
    env = environment(collector)
    with Process([sys.executable, "-c", script], cwd=ROOT, env=env) as process:
        assert process.popen.wait(15) == -signal.SIGTERM, process.stderr


def test_a_sigterm_handler_of_the_projects_own_stays(collector: Collector) -> None:
    facts = run(
        f"""
import signal
def mine(*_):
    sys.exit(7)
signal.signal(signal.SIGTERM, mine)
{ONE_SPAN}
say(mine=signal.getsignal(signal.SIGTERM) is mine)
""",
        collector,
    )
    assert facts["mine"]


def test_log_records_leave_with_their_trace_and_without_a_loop(collector: Collector) -> None:
    run(
        """
import logging
logging.getLogger().setLevel(logging.DEBUG)
with tracer.start_as_current_span("unit"):
    logging.getLogger("shop").warning("sold %s", "out", extra={"basket": {"items": [1, 2.5, None, True]}})
    try:
        1 / 0
    except ZeroDivisionError:
        logging.getLogger("shop").exception("password=hunter2canary")
time.sleep(1)
""",
        collector,
        OTEL_LOGS_EXPORTER="otlp",
    )
    logs = [each for each in collector.logs() if each.attributes["logger"] == "shop"]
    span = by_name(collector)["unit"]
    assert [each.body for each in logs] == ["sold out", "password=[redacted]"]
    assert {each.trace_id for each in logs} == {span.trace_id}
    assert logs[0].raw.severity_number == 13
    assert logs[0].attributes["basket"] == {"items": [1, 2.5, None, True]}
    assert logs[1].attributes["error_type"] == "ZeroDivisionError"
    assert logs[0].resource["service.name"] == "tests"
    assert len([path for path, _, _ in collector.requests if path == "/v1/logs"]) <= 2


def test_uvicorn_loses_nothing_at_sigterm(collector: Collector) -> None:
    port = free_port()
    argv = [*(sys.executable, "-m", "uvicorn", "--port", str(port)), "--factory"]
    env = environment(collector, **LATE)
    with Process([*argv, "django.core.asgi:get_asgi_application"], cwd=ROOT, env=env) as server:
        server.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        for _ in range(5):
            assert get(f"http://127.0.0.1:{port}/async/ok/").status == 200
        assert server.stop() == -signal.SIGTERM
    assert [each.name for each in collector.spans()] == ["GET async/ok/"] * 5


UVICORN = """
import asyncio, uvicorn
from django.core.asgi import get_asgi_application
from demo_services.ports import free_port
from tests.processes import get
application = get_asgi_application()
def serve():
    server = uvicorn.Server(uvicorn.Config(application, port=free_port(), log_level="critical"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    get(f"http://127.0.0.1:{server.config.port}/async/ok/")
    told = time.monotonic()
    server.should_exit = True
    thread.join()
    return told
"""


def test_a_uvicorn_that_ended_does_not_end_delivery(collector: Collector) -> None:
    facts = run(
        f"{UVICORN}\nserve()\nserve()\nledger = export.snapshot()['traces']\n"
        "say(accepted=ledger.accepted, exported=ledger.exported)",
        collector,
        **LATE,
    )
    assert (facts["accepted"], facts["exported"]) == (2, 2)


@pytest.mark.parametrize("mode", ["hang", "503"])
def test_uvicorn_and_the_exit_after_it_share_one_deadline(mode: Mode) -> None:
    with Collector(mode) as collector:
        code = f"{UVICORN}\nsay(started=serve())"
        facts = run(code, collector, **LATE)
        took = monotonic() - facts["started"]
    assert took < (3.6 if mode == "hang" else 3.0)
    assert "shutdown 1" in facts["stderr"]
