"""What becomes of one request: by a real receiver's answers, also those that nobody should give."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from time import monotonic

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from django_observe import otlphttp, otlpsession
from django_observe.otlphttp import MAX_ANSWER, Receiver
from django_observe.route import Outcome
from tests.collector import Collector
from tests.processes import require

Answer = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"


@contextmanager
def answering(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server on a free port: each connection's request is read, then it is `answer`'s."""
    stop = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                threading.Thread(target=speak, args=(connection,), daemon=True).start()

    def speak(accepted: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(accepted, True) if tls else accepted as connection:
            while not stop.is_set() and requested(connection):
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def requested(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return False
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return True


def posted(url: str, monkeypatch: pytest.MonkeyPatch, seconds: float = 2.0, body: bytes = b"x") -> Outcome:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    return Receiver("traces").post(body, seconds)


def dripping(data: bytes) -> Answer:
    def drip(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.05)

    return drip


@pytest.mark.parametrize(
    "answer",
    [
        dripping(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100),
        dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 4),
        dripping(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 40),
        dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20),
    ],
    ids=["headers", "continue", "body", "chunks"],
)
def test_an_answer_that_drips_has_one_deadline(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(answer) as url:
        started = monotonic()
        outcome = posted(url, monkeypatch, seconds=0.5)
        assert monotonic() - started < 1.9
    assert outcome.verdict == "retry"


def test_a_receiver_that_does_not_read_has_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = monotonic()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        outcome = posted(url, monkeypatch, seconds=0.5, body=bytes(32 * 1024 * 1024))
        assert monotonic() - started < 5
    assert outcome.verdict == "retry"


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        OK + b"Content-Le",
        OK + b"Content-Length: 100\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 200 + b"\r\n",
    ],
    ids=["nothing", "status", "head", "length", "chunk", "no chunk", "SMTP", "TLS", "headers"],
)
def test_an_answer_that_is_none_or_breaks_off_is_worth_another_try(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_RDWR)

    with answering(answer) as url:
        assert posted(url, monkeypatch).verdict == "retry"


@pytest.mark.usefixtures("otlp_way")
def test_so_is_one_that_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 100\r\n\r\nhalf")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    with answering(answer) as url:
        assert posted(url, monkeypatch).verdict == "retry"


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /elsewhere", b"400 Bad", b"503 Bad"])
def test_of_an_answer_without_end_64_kib_are_read(status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def answer(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
        while True:
            sent.append(connection.send(b"\xff" * 65_536))

    with answering(answer) as url:
        outcome = posted(url, monkeypatch)
    assert outcome.verdict == {b"2": "exported", b"3": "refused", b"4": "refused", b"5": "retry"}[status[:1]]
    assert sum(sent) < 200 * MAX_ANSWER, "the rest are buffers of the kernel"


@pytest.mark.usefixtures("otlp_way")
def test_a_connection_is_used_again_and_what_was_rejected_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    message = ExportTraceServiceResponse()
    message.partial_success.rejected_spans = 3
    content = message.SerializeToString()
    used = set()

    def answer(connection: socket.socket) -> None:
        used.add(connection.getpeername())
        connection.sendall(OK + b"Content-Length: %d\r\nSet-Cookie: a=b\r\n\r\n" % len(content) + content)

    with answering(answer) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        receiver = Receiver("traces")
        assert [receiver.post(b"x", 2.0) for _ in range(3)] == [Outcome("exported", rejected=3)] * 3
    assert len(used) == 1


@pytest.mark.parametrize(
    "endpoint", ["http://me:s3cret@host", "http://me:s3cret/x@host", "me:s3cret@host", "http://s3cret?@host"]
)
def test_what_is_told_of_an_endpoint_is_never_its_password(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{endpoint}.invalid:4318/v1/traces")
    why = Receiver("traces").post(b"x", 1.0).why
    assert (re.findall("s3cret|me:", why), "host.invalid:4318" in why) == ([], True)


@pytest.mark.usefixtures("otlp_way")
def test_each_batch_has_its_own_body_and_length(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [b"a", b"b" * 70_000, b"", b"c"]
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        receiver = Receiver("traces")
        assert [receiver.post(body, 2.0).verdict for body in bodies] == ["exported"] * 4
    assert [body for _, _, body in collector.requests] == bodies


def test_the_environments_proxy_and_netrc_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine collector.example login shop password pw")
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Collector() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example")
        receiver = Receiver("traces")
        assert [receiver.post(b"a", 2.0).verdict for _ in range(2)] == ["exported"] * 2
    for path, headers, _ in proxy.requests:
        assert path == "http://collector.example/v1/traces"
        assert headers["Authorization"] == "Basic c2hvcDpwdw=="


def test_a_credential_providers_session_signs_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Signature"] = str(len(request.body or b""))
        return request

    def provided() -> requests.Session:
        session = requests.Session()
        session.auth = sign
        return session

    entry_point = EntryPoint(
        "signing", "tests.test_otlphttp:provided", "opentelemetry_otlp_credential_provider"
    )
    monkeypatch.setattr(EntryPoint, "load", lambda _: provided)
    monkeypatch.setattr(otlpsession, "entry_points", lambda **_: [entry_point])
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "signing")
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        receiver = Receiver("traces")
        for body in (b"a", b"bcd"):
            assert receiver.post(body, 2.0).verdict == "exported"
    assert [headers["X-Signature"] for _, headers, _ in collector.requests] == ["1", "3"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("\xb2", None),
        ("-1", None),
        ("", None),
        ("soon", None),
        ("9" * 5_000, float("inf")),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00", 0),
    ],
)
def test_retry_after_is_read_as_far_as_it_makes_sense(said: str, seconds: float | None) -> None:
    assert otlphttp._seconds(said) == seconds


def test_retry_after_may_be_a_date() -> None:
    at = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=60), usegmt=True)
    assert 55 < (otlphttp._seconds(at) or 0) <= 60


@settings(max_examples=300)
@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [-+]?\w+"))
def test_nothing_in_retry_after_raises(said: str) -> None:
    assert (otlphttp._seconds(said) or 0) >= 0


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize(
    "header",
    [b"Retry-After: \xb2", b"Retry-After: \xff\xfe", b"Content-Type: \xff", b"Location: \xff"],
)
@pytest.mark.parametrize(
    ("status", "verdict"), [(b"200", "exported"), (b"302", "refused"), (b"429", "retry")]
)
def test_a_hostile_header_changes_no_verdict(
    header: bytes, status: bytes, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b" x\r\n" + header + b"\r\nContent-Length: 0\r\n\r\n")

    with answering(answer) as url:
        assert posted(url, monkeypatch).verdict == verdict


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, signed by itself, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "127.0.0.1.pem"
    argv = [require("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    argv += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path)]
    made = subprocess.run([*argv, "-out", "-"], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(made.stdout)
    return path


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda connection: connection.sendall(OK + b"Content-Length: 0\r\n\r\n"), "exported"),
        (dripping(OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 40), "retry"),
    ],
    ids=["ok", "drip"],
)
def test_the_same_holds_under_tls(
    answer: Answer, outcome: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
    with answering(answer, context) as url:
        started = monotonic()
        found = posted(url, monkeypatch, seconds=1.0, body=bytes(300_000))
        assert monotonic() - started < 2.9
    assert found.verdict == outcome, found
