"""One request under observation: bound while it runs, told as an Exchange when its answer is complete."""

from __future__ import annotations

import asyncio
import os
from contextvars import Token
from time import perf_counter, time
from types import TracebackType
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from opentelemetry.context import Context, attach, get_current

from django_observe import conf, correlation, privacy, tally, traces, trust
from django_observe.activerequests import ActiveRequest
from django_observe.propagation import meta_key
from django_observe.records import Exchange, Failure, TraceContext
from django_observe.reporting import guard, report
from django_observe.tally import Tally
from django_observe.vocabulary import UNMATCHED_ROUTE, Header, LabelValue

CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client went away before there was an answer (nginx' convention)."""

MAX_PATH = 1_024
MAX_QUEUE_SECONDS = 3_600.0
MAX_DIGITS = 15
MAX_KEY = 128
_MILLISECONDS_ABOVE, _MICROSECONDS_ABOVE = 1e11, 1e14

Tokens = tuple[Token[Context], Token[Tally | None]]


class Observation:
    """What is known of a request so far; `request._django_observe` while Django works on it.

    As a context manager it binds the request and, when nothing answers it, abandons it.
    """

    def __init__(self, request: HttpRequest, *, traced: bool = True) -> None:
        self.started = perf_counter()
        self.tally = Tally()
        self.view_exception: str | None = None
        self.failure: Failure | None = None
        self.request = request
        self._own = not traced
        self._ended = False
        self._process = os.getpid()
        settings = conf.settings()
        self.trusted = trust.is_in(request.META.get("REMOTE_ADDR", ""), settings.trusted_peers)
        given = given_id(request.META, settings.correlation_headers)
        self._active: ActiveRequest | None = None
        with guard("metrics"):
            self._active = ActiveRequest() if traced and settings.metrics is True else None
        self.span: traces.ServerSpan | None = None
        with guard("traces"):
            self.span = traces.begin(request, self.trusted) if traced else None
        self.trace: TraceContext | None = self.span.trace if self.span else None
        self.tally.trace = self.trace
        self.client_correlation_id = None if self.trusted else given
        self.correlation_id = correlation.chosen(given if self.trusted else None, self.trace)
        self._outside = get_current(), tally.current()
        outside = self.span.context if self.span else self._outside[0]
        self._context = correlation.within(outside, self.correlation_id)
        request._django_observe = self  # type: ignore[attr-defined]  # noqa: SLF001 - our own mark

    def bind(self) -> Tokens:
        """Makes this request the current one in this context; keep the tokens for `unbind`."""
        return attach(self._context), tally.bind(self.tally)

    def unbind(self, tokens: Tokens) -> None:
        """Gives the context back what it had before `bind`."""
        with guard("observation"):
            correlation.reset(tokens[0])
            tally.reset(tokens[1])

    def recover(self) -> None:
        """Takes the request off a context in which no `unbind` will be called any more.

        asgiref copies the context of a thread to the task that waited for it, also when that was cancelled
        while the thread was, and is, at work for the request.
        """
        if tally.current() is self.tally:
            attach(self._outside[0])
            tally.bind(self._outside[1])

    def __enter__(self) -> None:
        self._tokens = self.bind()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self.abandon(error)
        finally:
            self.unbind(self._tokens)

    def forget(self) -> None:
        """Ends without a report: a scrape or a probe that went well."""
        self._ended = True

    def failed(self, error: BaseException) -> None:
        """Remembers the uncaught exception that decides this request's outcome."""
        self.failure = privacy.failure_of(error)

    def echo(self, response: HttpResponseBase) -> None:
        """Writes the ID into the answer's headers, and what OpenTelemetry's variables ask for."""
        header = conf.settings().correlation_header
        if header is not None:
            response.headers.setdefault(header, self.correlation_id)
        if self.span is not None:
            self.span.answered(response)

    def end(self, response: HttpResponseBase, *, bytes_out: int | None = None, aborted: bool = False) -> None:
        """Reports the exchange and ends its span. Call it while bound; only the first call counts."""
        self._report(response.status_code, response, bytes_out=bytes_out, aborted=aborted)

    def answered(self, status: int, *, bytes_out: int, aborted: bool) -> None:
        """As `end`, of an answer that is no response of Django's."""
        self._report(status, None, bytes_out=bytes_out, aborted=aborted)

    def abandon(self, error: BaseException) -> None:
        """Reports a request that got no answer: it raised, its client went away, or the server gave it up."""
        gone = isinstance(error, (asyncio.CancelledError, GeneratorExit))
        if not gone:
            self.failed(error)
        aborted = not isinstance(error, Exception)
        self._report(CLIENT_CLOSED_REQUEST if gone else 500, None, bytes_out=None, aborted=aborted)

    def _report(
        self, status: int, response: HttpResponseBase | None, *, bytes_out: int | None, aborted: bool
    ) -> None:
        if self._ended or self._process != os.getpid():  # a child that the view forked tells nothing twice
            return
        self._ended = True
        with guard("observation"):
            if self._active is not None:
                self._active.end()
            report(self._exchange(status, response, bytes_out=bytes_out, aborted=aborted))
        with guard("traces"):
            if self.span is not None:
                self.span.end()

    def _exchange(
        self, status: int, response: HttpResponseBase | None, *, bytes_out: int | None, aborted: bool
    ) -> Exchange:
        request, meta = self.request, self.request.META
        settings = conf.settings()
        match = request.resolver_match
        template = getattr(response, "template_name", None)
        return Exchange(
            correlation_id=self.correlation_id,
            client_correlation_id=self.client_correlation_id,
            trace=self.trace,
            method=request.method or "",
            path=request.path[:MAX_PATH],
            route=(match.route or "/") if match else request.path_info if self._own else UNMATCHED_ROUTE,
            view=(match.view_name or LabelValue.UNNAMED_VIEW) if match else LabelValue.UNNAMED_VIEW,
            matched=match is not None,
            transport="https" if request.scheme == "https" else "http",
            status=status,
            seconds=perf_counter() - self.started,
            queue_seconds=_queue_seconds(meta.get(_REQUEST_START, ""), time()) if self.trusted else None,
            queries=self.tally.queries(),
            calls=self.tally.calls(),
            user_id=_user_id(request),
            client_ip=trust.client_address(
                meta.get("REMOTE_ADDR", ""), meta.get(_FORWARDED_FOR, ""), settings.trusted_peers
            ),
            bytes_in=_content_length(meta.get("CONTENT_LENGTH")),
            bytes_out=bytes_out,
            streaming=bool(response and response.streaming),
            charset=getattr(response, "charset", None),
            template=None if template is None else str(template),
            ajax=meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest",
            own=self._own,
            quiet=bool(settings.quiet_paths) and request.path.startswith(settings.quiet_paths),
            aborted=aborted,
            view_exception=self.view_exception,
            failure=self.failure,
        )


_REQUEST_START = meta_key(Header.REQUEST_START)
_FORWARDED_FOR = meta_key(Header.FORWARDED_FOR)


def given_id(meta: dict[str, Any], headers: tuple[str, ...]) -> str | None:
    """The first well-formed ID among the request's `headers`."""
    for header in headers:
        identifier = correlation.accepted(meta.get(meta_key(header)))
        if identifier is not None:
            return identifier
    return None


def _queue_seconds(value: str, now: float) -> float | None:
    """Seconds since a proxy took the request; it sent seconds (nginx), milli- or microseconds."""
    try:
        started = float(value[:32].strip().removeprefix("t="))
    except ValueError:
        return None
    if started > _MICROSECONDS_ABOVE:
        started /= 1e6
    elif started > _MILLISECONDS_ABOVE:
        started /= 1e3
    waited = now - started
    return max(waited, 0.0) if waited <= MAX_QUEUE_SECONDS else None


def _content_length(value: Any) -> int:
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
        else 0
    )


def _user_id(request: HttpRequest) -> str | None:
    """The key of a user that the view has already looked up; never looks one up (no query, no Vary)."""
    user = request.__dict__.get("_cached_user") or request.__dict__.get("_acached_user")
    if user is None:
        user = request.__dict__.get("user")
        if user is None or "_wrapped" in getattr(user, "__dict__", {}):
            return None
    return key_of(user)


def key_of(user: Any) -> str | None:
    """The primary key of a user as it is told; None of one who has none, such as AnonymousUser."""
    key = getattr(user, "pk", None)
    return None if key is None else str(key)[:MAX_KEY]
