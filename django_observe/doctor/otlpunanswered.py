"""Why there is no answer at an OTLP endpoint: name, port, network, TLS, or another protocol."""

from __future__ import annotations

import ssl
from typing import Final

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from django_observe import conf
from django_observe.doctor import otlplook
from django_observe.doctor.otlpcase import GENERAL, HTTP_PORT, Case, Cause

GRPC_PORT: Final = 4317


def cause(case: Case, error: Exception) -> Cause:
    """By what the transport raised."""
    if isinstance(error, NameResolutionError):
        why = "a name that only another network knows (such as a container's), or a typo"
        return Cause(f"no host is called {case.parts.hostname}", why, case.elsewhere or case.unknown)
    if isinstance(error, NewConnectionError):
        return _refused(case, error)
    if isinstance(error, (SSLError, ssl.SSLError)):
        return _tls(case, error)
    if case.parts.scheme == "http" and otlplook.speaks_http2(case.seen.url):
        return _grpc(case)
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)):
        return _late(case, error)
    return _broken_off(case, error)


def _refused(case: Case, error: Exception) -> Cause:
    says = f"nobody listens on {case.host}"
    if case.parts.port == GRPC_PORT:
        why = f"{GRPC_PORT} is the port of OTLP/gRPC, and {HTTP_PORT} that of OTLP/HTTP, which is spoken"
        usual = f"{case.variable}=http://{case.hostname}:{HTTP_PORT}"
        return Cause(says, why, case.elsewhere or usual)
    why = f"the collector does not run, or listens elsewhere ({_short(error)})"
    return Cause(says, why, case.elsewhere or f"start the collector, or {case.unknown}")


def _grpc(case: Case) -> Cause:
    host = case.hostname
    port = str(HTTP_PORT) if case.parts.port == GRPC_PORT else f"PORT    # of OTLP/HTTP, usually {HTTP_PORT}"
    change = case.elsewhere or f"{case.variable}=http://{host}:{port}"
    if conf.otlp_variable(case.signal, "PROTOCOL").startswith("grpc"):
        change += "\nOTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    return Cause(
        f"port {case.parts.port or 80} of {host} speaks gRPC",
        "telemetry is sent by OTLP/HTTP (http/protobuf), and that is a port of OTLP/gRPC",
        change,
    )


def _late(case: Case, error: Exception) -> Cause:
    if isinstance(error, ConnectTimeoutError):
        return Cause(
            f"no connection to {case.host} in time",
            "a firewall, or another network, is between",
            case.elsewhere or f"let this host reach {case.host}, or {case.unknown}",
        )
    return Cause(
        f"{case.host} takes the request and does not answer",
        "the collector hangs or is overloaded, or the port waits for another protocol",
        case.elsewhere or f"restart what listens on {case.host}, or {case.unknown}",
    )


def _tls(case: Case, error: Exception) -> Cause:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Cause(
            f"the certificate of {case.host} is not trusted",
            _short(error),
            f"{_certificate(case.signal)}=/path/to/authority.pem    # of whoever signed it",
        )
    plain = case.by("http")
    if case.attempt(plain).error is None:
        return Cause(
            f"{case.host} speaks no TLS",
            "the endpoint says https://, and the port is of plain HTTP",
            case.line(plain),
        )
    return Cause(f"TLS with {case.host} fails", _short(error), case.elsewhere or case.unknown)


def _broken_off(case: Case, error: Exception) -> Cause:
    secure = case.by("https")
    if case.parts.scheme == "http" and _speaks_tls(case.attempt(secure).error):
        return Cause(
            f"{case.host} speaks TLS",
            "the endpoint says http://, and the port is of HTTPS",
            case.line(secure),
        )
    return Cause(
        f"{case.host} ends the connection without an HTTP answer",
        f"the port speaks another protocol ({_short(error)})",
        case.elsewhere or case.unknown,
    )


def _speaks_tls(error: Exception | None) -> bool:
    """There was a handshake, whatever came of the certificate."""
    return error is None or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _certificate(signal: str) -> str:
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_CERTIFICATE"
    return own if conf.environment(own) else GENERAL.replace("ENDPOINT", "CERTIFICATE")


def _short(error: Exception) -> str:
    reason = error.args[-1] if isinstance(error, HTTPError) and error.args else error
    return str(reason).rpartition(": ")[2][:160]
