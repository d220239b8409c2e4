"""Faults of the OTLP endpoint: each is told from the others, and the line to change is the one that works."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import pytest

from demo_services.ports import free_port
from django_observe.console.terminal import Painter
from django_observe.doctor import loki, onward, otlpcase, otlpendpoint, report
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from tests.collector import Collector, Mode
from tests.doctor.answering import Answering, Asked, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.test_otlptransport import Authority

GENERAL = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOBUF = {"Content-Type": "application/x-protobuf"}

HOP = "OTLP traces"
UNKNOWN = f"{GENERAL}=http://HOST:4318    # of the collector"
NO_KEEPER = "what listens there is no collector: it takes telemetry and keeps none"
ANOTHER = "the path is not that of its OTLP receiver, or what listens there is no collector"

REFUSED = plant(
    "nobody listens at the OTLP endpoint",
    HOP,
    "the collector does not run, or listens elsewhere ([Errno …] Connection refused)",
    f"start the collector, or {UNKNOWN}",
)
MOVED = plant(
    "nobody listens at the OTLP endpoint, but a collector does on that host's port 4318",
    HOP,
    "the collector does not run, or listens elsewhere ([Errno …] Connection refused)",
    f"{GENERAL}=http://…",
)
GRPC_REFUSED = plant(
    "nobody listens at the OTLP endpoint, which has the port of OTLP/gRPC",
    HOP,
    "4317 is the port of OTLP/gRPC, and 4318 that of OTLP/HTTP, which is spoken",
    f"{GENERAL}=http://…:4318",
)
NO_HOST = plant(
    "the endpoint's host has no address",
    HOP,
    "a name that only another network knows (such as a container's), or a typo",
    UNKNOWN,
)
NO_URL = plant(
    "the endpoint is no URL",
    HOP,
    "an endpoint begins with http:// or https:// and has a host",
    f"{GENERAL}=http://…",
)
HANGS = plant(
    "the collector hangs",
    HOP,
    "the collector hangs or is overloaded, or the port waits for another protocol",
    f"restart what listens on …, or {UNKNOWN}",
)
PATH_TWICE = plant(
    "the path is in the endpoint already",
    HOP,
    f"{GENERAL} ends in a path of one signal, and each signal's own is added to it",
    f"{GENERAL}=http://…",
)
NO_PATH = plant(
    "the endpoint of one signal lacks its path",
    HOP,
    f"{TRACES} is used as it is: no path is added to it",
    f"{TRACES}=http://…/v1/traces",
)
PREFIX = plant(
    "the receiver's path has a prefix, as Loki's has", "OTLP logs", ANOTHER, f"{GENERAL}=http://…/otlp"
)
WEB_SERVER = plant("a web server answers in place of a collector", HOP, ANOTHER, UNKNOWN)
SWALLOWS = plant("something says 200 to everything", HOP, NO_KEEPER, UNKNOWN)
WEB_PAGE = plant("a web page answers with 200, such as a login", HOP, NO_KEEPER, UNKNOWN)
LOGIN = plant(
    "the endpoint redirects to a login page",
    HOP,
    "redirects are not followed: telemetry would go where nobody sent it, and this one leads to something "
    "else, such as a login page",
    UNKNOWN,
)
REDIRECT = plant(
    "the endpoint redirects to where the collector is",
    HOP,
    "redirects are not followed: telemetry would go where nobody sent it",
    f"{GENERAL}=https://…",
)
CREDENTIALS = plant(
    "the receiver wants credentials",
    HOP,
    "it wants credentials, and …",
    "OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20...    # as your vendor gives it; %20 is a space",
)
GRPC = plant(
    "the port is that of OTLP/gRPC",
    HOP,
    "telemetry is sent by OTLP/HTTP (http/protobuf), and that is a port of OTLP/gRPC",
    f"{GENERAL}=http://…    # of OTLP/HTTP, usually 4318\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
)
NO_TLS = plant(
    "https:// to a port of plain HTTP",
    HOP,
    "the endpoint says https://, and the port is of plain HTTP",
    f"{GENERAL}=http://…",
)
TLS = plant(
    "http:// to a port of HTTPS",
    HOP,
    "the endpoint says http://, and the port is of HTTPS",
    f"{GENERAL}=https://…",
)
CERTIFICATE = plant(
    "the receiver's certificate is not trusted",
    HOP,
    "unable to get local issuer certificate…",
    "OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/authority.pem    # of whoever signed it",
)
PROTOCOL = plant(
    "the receiver takes another protocol",
    HOP,
    "it takes another protocol, such as http/json; http/protobuf is the one that is sent",
    UNKNOWN,
)
OVERLOADED = plant(
    "the collector is overloaded",
    HOP,
    "the collector, or a proxy before it, is overloaded or has lost what is behind it",
    "see the log of what listens on …",
)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch, sent: Canary) -> Callable[..., list[Finding]]:
    """What is found with an endpoint, and other variables."""

    def found(endpoint: str, **variables: str) -> list[Finding]:
        monkeypatch.setattr(otlpcase, "TRIED_PORT", _ABSENT)  # of whatever else runs on this machine
        monkeypatch.setattr(otlpendpoint, "LOOK_SECONDS", 1.0)
        for name, value in {GENERAL: endpoint, **variables}.items():
            monkeypatch.setenv(name, value)
        return list(otlpendpoint.examine(sent))

    return found


_ABSENT = free_port()

Examined = Callable[..., list[Finding]]
BOTH_WAYS = pytest.mark.usefixtures("otlp_way")


def test_without_an_endpoint_it_is_not_configured(sent: Canary) -> None:
    assert [each.state for each in otlpendpoint.examine(sent)] == [NOT_CONFIGURED, NOT_CONFIGURED]


def test_a_collector_is_well(examined: Examined) -> None:
    with Collector() as collector:
        findings = examined(collector.url, OTEL_LOGS_EXPORTER="otlp")
    assert [(each.hop, each.state) for each in findings] == [("OTLP traces", OK), ("OTLP logs", OK)]


@pytest.mark.parametrize(
    "answer",
    [Told(204), Told(200, {"Content-Type": "application/json"}, b'{"partialSuccess":{}}'), Told(200)],
    ids=["as Loki", "JSON", "empty"],
)
def test_what_the_specification_foresees_is_well(examined: Examined, answer: Told) -> None:
    with Answering(lambda _: answer) as collector:
        traces, _ = examined(collector.url)
    assert traces.state == OK


@BOTH_WAYS
def test_nobody_listens(examined: Examined) -> None:
    found = diagnosed(
        examined(f"http://127.0.0.1:{free_port()}"), REFUSED, f"start the collector, or {UNKNOWN}"
    )
    assert found.says.startswith("nobody listens on 127.0.0.1:")


def test_nobody_listens_on_the_port_of_grpc(examined: Examined) -> None:
    """On an address that nothing has but this test: 4317 of 127.0.0.1 may be somebody's."""
    diagnosed(examined("http://127.83.11.7:4317"), GRPC_REFUSED, f"{GENERAL}=http://127.83.11.7:4318")


def test_a_collector_on_the_usual_port_is_found(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        usual = int(collector.url.rpartition(":")[2])
        away = f"http://127.0.0.1:{free_port()}"
        monkeypatch.setattr(f"{__name__}._ABSENT", usual)
        diagnosed(examined(away), MOVED, f"{GENERAL}={collector.url}")


@BOTH_WAYS
def test_no_host(examined: Examined) -> None:
    found = diagnosed(examined("http://no-such-host.invalid:4318"), NO_HOST, UNKNOWN)
    assert found.says == "no host is called no-such-host.invalid"


@pytest.mark.parametrize(
    ("endpoint", "meant"),
    [
        ("collector:4318", "collector:4318"),
        ("127.0.0.1:4318/v1", "127.0.0.1:4318/v1"),
        ("http://[::1:4318", "HOST:4318"),
    ],
)
def test_no_url(examined: Examined, endpoint: str, meant: str) -> None:
    diagnosed(examined(endpoint), NO_URL, f"{GENERAL}=http://{meant}")


@BOTH_WAYS
def test_a_collector_that_hangs(examined: Examined) -> None:
    with Collector("hang") as collector:
        there = collector.url.removeprefix("http://")
        diagnosed(examined(collector.url), HANGS, f"restart what listens on {there}, or {UNKNOWN}")
        collector.released.set()


def _receiver(prefix: str) -> Callable[[Asked], Told]:
    """A collector below `prefix` that knows no other path."""

    def answer(asked: Asked) -> Told:
        known = asked.path in (f"{prefix}/v1/traces", f"{prefix}/v1/logs")
        return (
            Told(200, PROTOBUF) if known else Told(404, {"Content-Type": "text/plain"}, b"404 page not found")
        )

    return answer


LOKI_METADATA = plant(
    "Loki takes no structured metadata", "OTLP logs", loki.METADATA_OFF[0], loki.METADATA_OFF[1]
)
LOKI_TENANT = plant("Loki has tenants, and lines name none", "OTLP logs", *loki.NO_TENANT)
LOKI_SAYS = {
    LOKI_METADATA: Told(
        400,
        {"Content-Type": "text/plain; charset=utf-8"},
        b"\x12\xac\x02stream '{service_name=\"shop\"}' includes structured metadata, but this "
        b"feature is disallowed. Please see `limits_config.allow_structured_metadata` "
        b"or contact your Loki administrator to enable it\n",
    ),
    LOKI_TENANT: Told(401, {"Content-Type": "text/plain; charset=utf-8"}, b"no org id\n"),
}


@pytest.mark.parametrize("fault", LOKI_SAYS)
def test_what_loki_says(examined: Examined, fault: str) -> None:
    with Answering(lambda _: LOKI_SAYS[fault]) as server:
        findings = examined(f"{server.url}/otlp", OTEL_LOGS_EXPORTER="otlp", OTEL_TRACES_EXPORTER="none")
    diagnosed(findings, fault, PLANTED[fault].change)


def test_a_protocol_that_is_not_spoken(examined: Examined) -> None:
    """The variable is for others; what was sent has arrived, and by what is said."""
    with Collector() as collector:
        traces, _ = examined(collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert traces.state == OK
    assert traces.says.endswith("; as http/protobuf, though OTEL_EXPORTER_OTLP_PROTOCOL says grpc")


@pytest.fixture
def strict() -> Iterator[Answering]:
    with Answering(_receiver("")) as server:
        yield server


def test_the_path_twice(examined: Examined, strict: Answering) -> None:
    found = diagnosed(examined(f"{strict.url}/v1/traces"), PATH_TWICE, f"{GENERAL}={strict.url}")
    assert "/v1/traces/v1/traces" in found.says


def test_the_path_lacks(examined: Examined, strict: Answering) -> None:
    findings = examined("", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=strict.url)
    diagnosed(findings, NO_PATH, f"{TRACES}={strict.url}/v1/traces")


def test_a_prefix(examined: Examined) -> None:
    with Answering(_receiver("/otlp")) as loki:
        findings = examined(loki.url, OTEL_LOGS_EXPORTER="otlp", OTEL_TRACES_EXPORTER="none")
        diagnosed(findings, PREFIX, f"{GENERAL}={loki.url}/otlp")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_web_server(examined: Examined, status: int) -> None:
    with Answering(lambda _: Told(status, {"Content-Type": "text/html"}, b"<h1>It works!</h1>")) as server:
        found = diagnosed(examined(server.url), WEB_SERVER, UNKNOWN)
    assert f"answers {status} for /v1/traces" in found.says


def test_something_that_swallows(examined: Examined) -> None:
    with Answering(lambda _: Told(200, {"Content-Type": "text/plain"}, b"ok")) as server:
        found = diagnosed(examined(server.url), SWALLOWS, UNKNOWN)
    assert "with text/plain: ok" in found.says


def test_a_web_page(examined: Examined) -> None:
    with Collector("html") as server:
        diagnosed(examined(server.url), WEB_PAGE, UNKNOWN)


def test_a_redirect_to_a_login(examined: Examined) -> None:
    with Collector("302") as server:
        found = diagnosed(examined(server.url), LOGIN, UNKNOWN)
    assert found.says.endswith("redirects to /elsewhere")
    assert "login page" in found.cause


def test_a_redirect_to_the_collector(examined: Examined) -> None:
    target = "https://otlp.example.com"
    with Answering(lambda asked: Told(301, {"Location": f"{target}{asked.path}"})) as server:
        diagnosed(examined(server.url), REDIRECT, f"{GENERAL}={target}")


@pytest.mark.parametrize(("status", "headers"), [(401, ""), (403, "authorization=Basic%20eDp5")])
def test_credentials(examined: Examined, status: int, headers: str) -> None:
    with Answering(lambda _: Told(status, {"Content-Type": "text/plain"}, b"no token")) as server:
        findings = examined(server.url, OTEL_EXPORTER_OTLP_HEADERS=headers)
        found = diagnosed(findings, CREDENTIALS, PLANTED[CREDENTIALS].change)
    assert found.says.endswith(f"answers {status}: no token")
    assert ("those it is sent are refused" in found.cause) is bool(headers)


BEARER = plant(
    "the receiver wants a token, as the console with --token does",
    HOP,
    "it wants credentials, and gets none",
    "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20...    # as your vendor gives it; %20 is a space",
)


def test_a_token(examined: Examined) -> None:
    text = b"a sentence of " + b"many words " * 30
    with Answering(lambda _: Told(401, {"WWW-Authenticate": "Bearer realm=console"}, text)) as server:
        found = diagnosed(examined(server.url), BEARER, PLANTED[BEARER].change)
    assert found.says.endswith((" many ...", " words ..."))


def test_what_comes_later_follows_and_has_the_line_that_was_found(examined: Examined, sent: Canary) -> None:
    own = Finding("service's export", BROKEN, "none", "a cause of its own", "a line of its own")
    assert onward.following(own, "traces", sent) is own
    with Answering(lambda asked: Told(200 if asked.path.startswith("/v1/") else 404)) as collector:
        findings = examined(collector.url, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector.url)
    line = f"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={collector.url}/v1/traces"
    assert [each.change for each in findings if each.state == BROKEN] == [line]
    assert onward.same("traces", sent) == line
    later = onward.following(own, "traces", sent)
    assert (later.state, later.cause, later.change) == (BROKEN, "follows from OTLP traces", "")
    assert onward.following(own, "logs", sent) is own
    told = report.conclusion([*findings, later], Painter(coloured=False))
    assert "cause   follows from OTLP traces\n\n2 broken" in told


@BOTH_WAYS
def test_grpc(examined: Examined) -> None:
    grpc = pytest.importorskip("grpc")
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        findings = examined(f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        found = diagnosed(findings, GRPC, PLANTED[GRPC].change.replace("…", "127.0.0.1:PORT"))
    finally:
        server.stop(0).wait()
    assert found.says == f"port {port} of 127.0.0.1 speaks gRPC"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """An authority's certificate, and a server's context signed by it."""
    authority = Authority(tmp_path_factory.mktemp("doctor-tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.signed("collector"))
    return authority.certificate, context


@BOTH_WAYS
def test_a_port_without_tls(examined: Examined, strict: Answering) -> None:
    diagnosed(examined(f"https://{strict.host}"), NO_TLS, f"{GENERAL}={strict.url}")


@BOTH_WAYS
def test_a_port_with_tls(examined: Examined, tls: tuple[Path, ssl.SSLContext]) -> None:
    with Answering(_receiver(""), tls=tls[1]) as server:
        diagnosed(examined(f"http://{server.host}"), TLS, f"{GENERAL}=https://{server.host}")


@BOTH_WAYS
def test_a_certificate(examined: Examined, tls: tuple[Path, ssl.SSLContext]) -> None:
    with Answering(_receiver(""), tls=tls[1]) as server:
        diagnosed(examined(server.url), CERTIFICATE, PLANTED[CERTIFICATE].change)
        mended, _ = examined(server.url, OTEL_EXPORTER_OTLP_CERTIFICATE=str(tls[0]))
    assert mended.state == OK


def test_another_protocol(examined: Examined) -> None:
    with Answering(lambda _: Told(415, {"Content-Type": "text/plain"}, b"application/json only")) as server:
        found = diagnosed(examined(server.url), PROTOCOL, UNKNOWN)
    assert found.says.endswith("answers 415: application/json only")


@pytest.mark.parametrize("mode", ["503", "429"])
def test_an_overloaded_collector(examined: Examined, mode: Mode) -> None:
    with Collector(mode) as server:
        there = server.url.removeprefix("http://")
        diagnosed(examined(server.url), OVERLOADED, f"see the log of what listens on {there}")


def test_credentials_in_the_endpoint_are_not_shown(examined: Examined) -> None:
    findings = examined(f"http://me:s3cret@127.0.0.1:{free_port()}")
    assert "s3cret" not in str(findings)
