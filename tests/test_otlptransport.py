"""By what batches are sent, and that the environment's proxies, certificates and credentials are used."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from demo_services.ports import free_port
from django_observe import otlphttp, otlptransport, reporting
from django_observe.otlphttp import Receiver
from django_observe.route import Outcome
from tests.collector import Collector
from tests.processes import require
from tests.test_otlphttp import OK, answering, requested

NOTHING = b"Content-Length: 0\r\n\r\n"
REDIRECTS = [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"]


def well(connection: socket.socket) -> None:
    connection.sendall(OK + NOTHING)


def posted(monkeypatch: pytest.MonkeyPatch, url: str, **variables: str) -> Outcome:
    """What becomes of one batch; the variables' names are those after OTEL_EXPORTER_OTLP_."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    return Receiver("traces").post(b"x", 5.0)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home without a netrc, and no proxies or bundles."""
    monkeypatch.setenv("HOME", str(tmp_path))
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (*proxies, *map(str.upper, proxies), "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "url", "way"),
    [
        ({}, "http://127.0.0.1:4318/v1/traces", "Pool"),
        ({}, "https://collector.example/v1/traces", "Pool"),
        ({}, "http://user:pw@127.0.0.1:4318/v1/traces", "Session"),
        ({}, "http://köln.example/v1/traces", "Session"),
        ({"http_proxy": "http://proxy:3128"}, "http://collector.example/v1/traces", "Session"),
        ({"http_proxy": "http://proxy:3128"}, "https://collector.example/v1/traces", "Pool"),
        ({"ALL_PROXY": "http://proxy:3128"}, "https://collector.example/v1/traces", "Session"),
        ({"ALL_PROXY": "http://proxy:3128", "NO_PROXY": ".example"}, "https://collector.example", "Pool"),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:4318", "Session"),
        ({"NETRC": "/dev/null"}, "http://127.0.0.1:4318/v1/traces", "Session"),
        ({"NETRC": "/nowhere"}, "http://127.0.0.1:4318/v1/traces", "Pool"),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "signing"}, "http://127.0.0.1", "Session"),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "a"}, "http://127.0.0.1", "Session"),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER": "a"}, "http://127.0.0.1", "Pool"),
    ],
)
def test_requests_is_asked_where_there_is_something_for_it(
    variables: dict[str, str], url: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert otlptransport.chosen("traces", url).__name__ == way


def test_a_netrc_in_the_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login shop password pw")
    with Collector() as collector:
        assert posted(monkeypatch, collector.url).verdict == "exported"
    assert collector.requests[0][1]["Authorization"] == "Basic " + base64.b64encode(b"shop:pw").decode()


@pytest.mark.parametrize("home", ["/" + "x" * 300, None], ids=["out of reach", "unknown"])
def test_a_home_that_cannot_be_looked_into_has_no_netrc(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a worker that was started by root; root itself may look anywhere, but names have a length."""
    if home:
        monkeypatch.setenv("HOME", home)
    else:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with Collector() as collector:
        assert posted(monkeypatch, collector.url).verdict == "exported"


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize("status", REDIRECTS)
def test_no_redirect_is_followed(status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as elsewhere:

        def redirect(connection: socket.socket) -> None:
            location = f"Location: {elsewhere.url}/v1/traces\r\n".encode()
            connection.sendall(b"HTTP/1.1 " + status + b"\r\n" + location + NOTHING)

        with answering(redirect) as url:
            assert posted(monkeypatch, url) == Outcome(
                "refused", why=f"HTTP {int(status[:3])} from {url.removeprefix('http://')}/v1/traces"
            )
    assert elsewhere.requests == []


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_an_answer_is_not_unpacked(encoding: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    packer = zlib.compressobj(wbits=31 if encoding == b"gzip" else 15)
    bomb = packer.compress(bytes(32 * 1024 * 1024)) + packer.flush()

    def answer(connection: socket.socket) -> None:
        head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(bomb))
        connection.sendall(OK + head + bomb)

    sealed = SimpleNamespace(unconsumed_tail=b"")  # of the kind that urllib3 makes, but it unpacks nothing
    monkeypatch.setattr(zlib, "decompressobj", lambda *_: sealed)
    with answering(answer) as url:
        assert posted(monkeypatch, url) == Outcome("exported")


@pytest.mark.usefixtures("otlp_way")
def test_what_is_asked_of_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        endpoint = f"{collector.url}/otlp/traces?tenant=a%20b"
        assert posted(monkeypatch, "", TRACES_ENDPOINT=endpoint, HEADERS="x-tenant=shop%201,x-key=a=b") == (
            Outcome("exported")
        )
    [(path, headers, body)] = collector.requests
    assert (path, body) == ("/otlp/traces?tenant=a%20b", b"x")
    assert (headers["x-tenant"], headers["x-key"], headers["Content-Length"]) == ("shop 1", "a=b", "1")
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["User-Agent"].startswith("django-observe-kit/")
    assert "Cookie" not in headers


@pytest.mark.usefixtures("otlp_way")
def test_a_header_of_the_environment_comes_in_place_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        assert posted(monkeypatch, collector.url, HEADERS="User-Agent=shop").verdict == "exported"
    sent = collector.requests[0][1].items()
    assert [value for name, value in sent if name.lower() == "user-agent"] == ["shop"]


@pytest.mark.usefixtures("otlp_way")
def test_a_body_has_its_own_length_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        assert posted(monkeypatch, collector.url, HEADERS="content-length=99").verdict == "exported"
    assert collector.requests[0][2] == b"x"


@pytest.mark.parametrize(
    ("url", "verdict", "why"),
    [
        ("http://collector.invalid:4318", "retry", "NameResolutionError (collector.invalid:4318/v1/traces)"),
        ("http://127.0.0.1:1", "retry", "NewConnectionError"),
        ("http://127.0.0.1:1:1", "refused", "LocationParseError"),
        ("http://[::1", "refused", "ValueError"),
        (f"http://{'x' * 64}.example", "refused", "LocationParseError"),
        ("ftp://127.0.0.1", "refused", "URLSchemeUnknown"),
        ("127.0.0.1:4318", "refused", "URLSchemeUnknown"),
        ("http://", "refused", "LocationValueError (http:/v1/traces)"),
        ("grpc://user:pw@127.0.0.1:4317", "refused", "InvalidSchema (127.0.0.1:4317/v1/traces)"),
    ],
)
def test_a_receiver_that_is_not_there(
    url: str, verdict: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = posted(monkeypatch, url)
    assert (outcome.verdict, outcome.why[: len(why)]) == (verdict, why)


def test_a_service_starts_with_whatever_the_way_out_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1")
    before = reporting.failures().get("export.prepare", 0)
    otlphttp.prepare("traces")
    assert reporting.failures()["export.prepare"] == before + 1


class Authority:
    """Signs certificates, by openssl."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._openssl = require("openssl", "openssl")
        self._folder = folder
        self.certificate, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        usage = ["-addext", "keyUsage=critical,keyCertSign"]  # without it Python 3.13 trusts no authority
        subject = ["-subj", f"/CN={name}", *usage]
        self._run("req", "-x509", "-nodes", *self._new(self._key), *subject, self.certificate)

    def _run(self, *arguments: str | Path) -> None:
        *options, out = map(str, arguments)
        subprocess.run([self._openssl, *options, "-out", out], check=True, capture_output=True)

    def _new(self, key: Path) -> list[str]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key)]

    def signed(self, name: str, alternative: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate and its key."""
        certificate, key, asked = (self._folder / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid")
        self._run("req", "-nodes", *self._new(key), "-subj", f"/CN={name}", asked)
        by: list[str | Path] = [
            "-CA",
            self.certificate,
            "-CAkey",
            self._key,
            "-CAcreateserial",
            "-extfile",
            extensions,
        ]
        self._run("x509", "-req", "-in", asked, *by, certificate)
        return certificate, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> ssl.SSLContext:
    return _context(*authority.signed("server"))


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
)
def test_a_bundle_is_trusted(
    variable: str, authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(authority.certificate))
    with answering(well, server) as url:
        assert posted(monkeypatch, url).verdict == "exported"


@pytest.mark.usefixtures("otlp_way")
def test_a_folder_of_certificates_is_trusted(
    authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    shutil.copy(authority.certificate, folder)
    subprocess.run([require("openssl", "openssl"), "rehash", str(folder)], check=True, capture_output=True)
    with answering(well, server) as url:
        assert posted(monkeypatch, url, CERTIFICATE=str(folder)).verdict == "exported"


@pytest.mark.usefixtures("otlp_way")
def test_the_receivers_certificate_comes_before_the_bundle_of_all(
    authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))
    with answering(well, server) as url:
        assert posted(monkeypatch, url).why.startswith("SSLError")
        assert posted(monkeypatch, url, CERTIFICATE=str(authority.certificate)).verdict == "exported"


@pytest.mark.usefixtures("otlp_way")
def test_whom_nobody_vouches_for_gets_nothing(
    authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be in order with the next try: certificates are renewed."""
    answered: list[object] = []
    with answering(answered.append, server) as url:
        assert (posted(monkeypatch, url).verdict, answered) == ("retry", [])
    elsewhere = _context(*authority.signed("elsewhere", "DNS:elsewhere.example"))
    with answering(answered.append, elsewhere) as url:
        outcome = posted(monkeypatch, url, CERTIFICATE=str(authority.certificate))
        assert (outcome.verdict, outcome.why[:8], answered) == ("retry", "SSLError", [])
    with answering(answered.append) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url.replace("http:", "https:"))
        outcome = Receiver("traces").post(b"x", 0.3)
        assert (outcome.verdict, answered) == ("retry", []), "it speaks no TLS"


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize("apart", [True, False], ids=["key apart", "key in the same file"])
def test_the_receiver_may_ask_who_comes(
    apart: bool, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context = _context(*authority.signed("server that asks"))
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = authority.signed("shop")
    given = {"CLIENT_CERTIFICATE": str(certificate), "CLIENT_KEY": str(key)}
    if not apart:
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.read_bytes() + key.read_bytes())
        given = {"CLIENT_CERTIFICATE": str(both)}
    with answering(well, context) as url:
        assert posted(monkeypatch, url, CERTIFICATE=str(authority.certificate)).verdict == "retry"
        assert posted(monkeypatch, url, **given).verdict == "exported"


@pytest.mark.usefixtures("otlp_way")
@pytest.mark.parametrize("name", ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"])
def test_a_file_that_is_missing_is_a_fault_of_the_configuration(
    name: str, authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.signed("shop")
    files = {"CERTIFICATE": authority.certificate, "CLIENT_CERTIFICATE": certificate, "CLIENT_KEY": key}
    with answering(well, server) as url:
        given = {each: str(path) for each, path in files.items()} | {name: "/nowhere.pem"}
        assert posted(monkeypatch, url, **given).verdict == "refused"


@pytest.mark.usefixtures("otlp_way")
def test_a_renewed_certificate_is_read(
    authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    shutil.copy(Authority(tmp_path, "old").certificate, bundle)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(bundle))
    with answering(well, server) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        receiver = Receiver("traces")
        assert receiver.post(b"x", 5.0).verdict == "retry"
        shutil.copy(authority.certificate, bundle)
        assert receiver.post(b"x", 5.0).verdict == "exported"


@contextmanager
def tunnelling() -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that opens tunnels; its address, and the heads of what it was asked."""
    asked: list[bytes] = []

    def tunnel(connection: socket.socket) -> None:
        asked.append(head := connection.recv(65_536))
        host, _, port = head.split()[1].decode().partition(":")
        with socket.create_connection((host, int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_carry, args=(onward, connection), daemon=True)
            back.start()
            _carry(connection, onward)
            back.join()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    tunnel(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def test_tls_goes_through_a_proxys_tunnel(
    authority: Authority, server: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(well, server) as url, tunnelling() as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://shop:pw@{proxy}")
        assert posted(monkeypatch, url, CERTIFICATE=str(authority.certificate)).verdict == "exported"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert posted(monkeypatch, url).verdict == "exported"
    [head] = asked
    assert head.startswith(f"CONNECT {url.removeprefix('https://')} HTTP".encode())
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"shop:pw") in head


def test_a_proxy_that_drips_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector("drip") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318")
        started = monotonic()
        assert Receiver("traces").post(b"x", 0.5).verdict == "retry"
        assert monotonic() - started < 3


def test_a_proxy_that_is_away_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    outcome = posted(monkeypatch, "http://collector.example:4318")
    assert (outcome.verdict, outcome.why) == ("retry", "ProxyError (collector.example:4318/v1/traces)")


SENDING = """
import json, sys
from django_observe import export
from django_observe.otlphttp import Receiver
export.pipeline("traces")
before = set(sys.modules)
outcome = Receiver("traces").post(b"x", 5.0)
print(json.dumps([outcome.verdict, sorted(set(sys.modules) - before), "requests" in before]))
"""


def _sent(url: str, tmp_path: Path, **variables: str) -> Any:
    given = {"HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": url, **variables}
    run = subprocess.run(
        [sys.executable, "-c", SENDING], env=given, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("netrc", ["", "/dev/null"], ids=["urllib3", "requests"])
def test_sending_imports_nothing_and_requests_only_where_it_is_asked(
    scheme: str, netrc: str, authority: Authority, server: ssl.SSLContext, tmp_path: Path
) -> None:
    """A child that is forked while the worker imports a module could never import it."""
    with answering(well, server if scheme == "https" else None) as url:
        bundle = str(authority.certificate)
        assert _sent(url, tmp_path, NETRC=netrc, CURL_CA_BUNDLE=bundle) == ["exported", [], bool(netrc)]


def test_nor_does_looking_for_a_name_or_for_the_usual_authorities(tmp_path: Path) -> None:
    assert _sent("https://localhost:1", tmp_path) == ["retry", [], False]


def test_the_test_servers_read_bodies_to_their_end() -> None:
    """Else each answer here would be to half a request."""
    one, other = socket.socketpair()
    with one, other:
        other.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab")
        assert requested(one)
        other.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b""
