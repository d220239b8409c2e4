"""One OTLP/HTTP receiver: where it is, how to speak to it, and what its answers mean.

Follows the OpenTelemetry specification's "OTLP Exporter Configuration" and "OTLP/HTTP Response".
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from time import time
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from django_observe import conf, otlptransport, otlpwire
from django_observe.otlppool import LASTING, PASSING, Answer
from django_observe.otlptransport import Transport
from django_observe.reporting import guard
from django_observe.route import Outcome
from django_observe.timedconnection import deadline

DISTRIBUTION = "django-observe-kit"
DEFAULT_TIMEOUT = 10.0
RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may be sent again (OTLP/HTTP, "Failures")."""

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; what was rejected is told in a few."""

_LARGEST = 2**63 - 1
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
        self._signal, self._url = signal, url(signal) or ""
        self._host = _told(self._url)
        compression = conf.otlp_variable(signal, "COMPRESSION").lower()
        self._compress = _COMPRESSIONS.get(compression)
        self.headers = {
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"{DISTRIBUTION}/{release()}",
            "Accept-Encoding": "identity",
            **({"Content-Encoding": compression} if self._compress else {}),
            **parse_env_headers(conf.otlp_variable(signal, "HEADERS"), liberal=True),
        }

    def post(self, body: bytes, seconds: float) -> Outcome:
        """Sends one batch. Never follows a redirect: a 3xx is a failure. Takes `seconds` at most.

        What no answer was got to, or half of one, is to be tried again: the receiver may have it twice then.
        """
        data = self.packed(body)
        passing: tuple[type[Exception], ...] = ()
        try:
            passing = self._transport.passing
            with deadline(seconds):
                answer = self._transport.post(data, seconds)
                with closing(answer.body):
                    return self._judged(answer)
        except (*PASSING, ValueError, OSError) as error:
            again = isinstance(error, passing) and not isinstance(error, LASTING)
            return Outcome("retry" if again else "refused", why=f"{type(error).__name__} ({self._host})")

    def packed(self, body: bytes) -> bytes:
        """`body` as it is sent: compressed where OTEL_EXPORTER_OTLP_COMPRESSION says how."""
        return self._compress(body) if self._compress else body

    @cached_property
    def _transport(self) -> Transport:
        return otlptransport.chosen(self._signal, self._url)(self._signal, self._url, self.headers)

    def _judged(self, answer: Answer) -> Outcome:
        """By the status; of the body no more than MAX_ANSWER bytes are read, and of a failure's nothing.

        Raises:
            urllib3.exceptions.HTTPError, OSError: when the answer breaks off, or takes too long.
        """
        status = answer.status
        why = f"HTTP {status} from {self._host}"
        if status in RETRYABLE:
            return Outcome("retry", retry_after=_seconds(answer.headers.get("Retry-After")), why=why)
        if status not in _SUCCESSES:
            return Outcome("refused", why=why)
        if answer.headers.get("Content-Type", "").strip().lower().startswith("text/html"):
            return Outcome("refused", why=f"a web page, not an OTLP receiver, at {self._host}")
        return Outcome("exported", rejected=_rejected(_content(answer)))


def _told(url: str) -> str:
    """What is told of a URL: its host and path. Whatever stands before the last @ may be a password."""
    place = url.rpartition("@")[2]
    try:
        parts = urlsplit(place if "://" in place else f"//{place}")
    except ValueError:
        return "no URL"
    return parts.netloc + parts.path


def prepare(signal: str) -> None:
    """Imports what sending needs, as a fork may interrupt an import on the worker."""
    with guard("export.prepare"), suppress(ValueError):  # it is no URL, as each batch will find
        release()
        otlptransport.chosen(signal, url(signal) or "")


def _content(answer: Answer) -> bytes:
    """The answer's body, or MAX_ANSWER bytes of it. That it breaks off shows at its end alone."""
    content = b""
    while len(content) < MAX_ANSWER and (part := answer.body.read(MAX_ANSWER - len(content))):
        content += part
    return content


def _rejected(content: bytes) -> int:
    """`partial_success.rejected_spans` or `.rejected_log_records`: both are the first field of the first."""
    try:
        partial_success = otlpwire.fields(content).get(1)
        rejected = otlpwire.fields(partial_success).get(1) if isinstance(partial_success, bytes) else None
    except ValueError:  # it is no message
        return 0
    return rejected if isinstance(rejected, int) and rejected <= _LARGEST else 0


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds or as a date (RFC 9110 section 10.2.3)."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0.0)
    except (ValueError, OverflowError, TypeError, IndexError):  # by what it is that is no date
        return None


# as zlib does by default; gzip's own default takes 2.5 times as long for 0.3 % less
_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": partial(gzip.compress, compresslevel=6),
    "deflate": zlib.compress,
}
