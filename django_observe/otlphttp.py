"""One OTLP/HTTP receiver: where it is, how to speak to it, and what its answers mean.

Follows the OpenTelemetry specification's "OTLP Exporter Configuration" and "OTLP/HTTP Response".
"""

from __future__ import annotations

import gzip
import netrc  # noqa: F401 - requests would import it on the worker, where a fork may interrupt it
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, entry_points, version
from time import time
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.util.re import parse_env_headers

from django_observe import conf
from django_observe.route import Outcome

DISTRIBUTION = "django-observe-kit"
DEFAULT_TIMEOUT = 10.0
RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may be sent again (OTLP/HTTP, "Failures")."""

_MILLISECONDS_FROM = 600.0
_SUCCESSES = range(200, 300)


def release() -> str:
    """The version of this package; `0` where it runs from a source tree that is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0"


def url(signal: str) -> str | None:
    """Where `signal` goes: its own endpoint as it is, or the general one plus `/v1/<signal>`."""
    endpoint = conf.otlp_endpoint(signal)
    if endpoint is None or conf.environment(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"):
        return endpoint
    return f"{endpoint.rstrip('/')}/v1/{signal}"


def timeout(signal: str) -> float:
    """Seconds one request may take.

    OpenTelemetry's Python exporters read seconds where its specification says milliseconds; nobody means more
    than ten minutes, so larger numbers are milliseconds.
    """
    try:
        given = float(conf.otlp_variable(signal, "TIMEOUT") or DEFAULT_TIMEOUT)
    except ValueError:
        return DEFAULT_TIMEOUT
    if not given > 0:
        return DEFAULT_TIMEOUT
    return given / 1_000 if given > _MILLISECONDS_FROM else given


class Receiver:
    """Sends encoded batches of one signal; its connection belongs to the thread and process that made it."""

    def __init__(self, signal: str) -> None:
        self.timeout = timeout(signal)
        self._url = url(signal) or ""
        self._rejected = _REJECTED[signal]
        compression = conf.otlp_variable(signal, "COMPRESSION").lower()
        self._compress = _COMPRESSIONS.get(compression)
        self._session = _session(signal)
        self._headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"{DISTRIBUTION}/{release()}",
            **({"Content-Encoding": compression} if self._compress else {}),
            **parse_env_headers(conf.otlp_variable(signal, "HEADERS"), liberal=True),
        }

    def post(self, body: bytes, seconds: float) -> Outcome:
        """Sends one batch. Never follows a redirect: a 3xx is a failure. Takes about `seconds` at most."""
        data = self._compress(body) if self._compress else body
        try:
            answer = self._session.post(
                self._url, data=data, headers=self._headers, timeout=seconds, allow_redirects=False
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            return Outcome("retry", why=f"{type(error).__name__} ({self._host})")
        except (requests.RequestException, ValueError, OSError) as error:
            return Outcome("refused", why=f"{type(error).__name__} ({self._host})")
        return self._judged(answer)

    def _judged(self, answer: requests.Response) -> Outcome:
        status = answer.status_code
        why = f"HTTP {status} from {self._host}"
        if status in RETRYABLE:
            return Outcome("retry", retry_after=_seconds(answer.headers.get("Retry-After")), why=why)
        if status not in _SUCCESSES:
            return Outcome("refused", why=why)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            return Outcome("refused", why=f"a web page, not an OTLP receiver, at {self._host}")
        try:
            return Outcome("exported", rejected=self._rejected(answer.content))
        except DecodeError:
            return Outcome("exported")

    @property
    def _host(self) -> str:
        parts = urlsplit(self._url)
        return parts.netloc.rpartition("@")[2] + parts.path


def _session(signal: str) -> requests.Session:
    session = _from_credential_provider(signal) or requests.Session()
    session.verify = conf.otlp_variable(signal, "CERTIFICATE") or True
    certificate, key = (
        conf.otlp_variable(signal, "CLIENT_CERTIFICATE"),
        conf.otlp_variable(signal, "CLIENT_KEY"),
    )
    if certificate:
        session.cert = (certificate, key) if key else certificate
    return session


def _from_credential_provider(signal: str) -> requests.Session | None:
    """A session that signs requests, as opentelemetry-exporter-otlp-proto-http lets one be plugged in."""
    prefix = "OTEL_PYTHON_EXPORTER_OTLP_HTTP"
    name = conf.environment(f"{prefix}_CREDENTIAL_PROVIDER") or conf.environment(
        f"{prefix}_{signal.upper()}_CREDENTIAL_PROVIDER"
    )
    for entry_point in (
        entry_points(group="opentelemetry_otlp_credential_provider", name=name) if name else ()
    ):
        session = entry_point.load()()
        if isinstance(session, requests.Session):
            return session
    return None


def _rejected_spans(content: bytes) -> int:
    return ExportTraceServiceResponse.FromString(content).partial_success.rejected_spans


def _rejected_logs(content: bytes) -> int:
    return ExportLogsServiceResponse.FromString(content).partial_success.rejected_log_records


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds or as a date (RFC 9110 section 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time(), 0.0)
    except ValueError:
        return None


_REJECTED: dict[str, Callable[[bytes], int]] = {"traces": _rejected_spans, "logs": _rejected_logs}
_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
