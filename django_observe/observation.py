"""One request under observation: bound while it runs, told as an Exchange when its answer is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Token
from threading import get_ident
from time import perf_counter, time
from types import TracebackType
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from opentelemetry.context import Context, attach, get_current

from django_observe import (
    conf,
    correlation,
    currentspan,
    inflight,
    privacy,
    requestfields,
    tally,
    traces,
    trust,
)
from django_observe.activerequests import ActiveRequest
from django_observe.propagation import meta_key
from django_observe.records import Exchange, Failure, TraceContext
from django_observe.reporting import guard, report
from django_observe.requesthead import given_id, queue_seconds
from django_observe.responsehead import set_default
from django_observe.tally import Tally
from django_observe.vocabulary import Header

CLIENT_CLOSED_REQUEST = 499
"""Status of a request whose client went away before there was an answer (nginx' convention)."""

_REQUEST_START = meta_key(Header.REQUEST_START)
_of_metrics, _of_traces, _of_observation = guard("metrics"), guard("traces"), guard("observation")

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
        self.request: HttpRequest | None = request
        """None once it was told: the two hold each other, and 23 objects would stay until a collection."""
        self._own = not traced
        self.thread = get_ident()
        settings = conf.settings()
        self.trusted = trust.is_in(request.META.get("REMOTE_ADDR", ""), settings.trusted_peers)
        given = given_id(request.META, settings.correlation_headers)
        self._active: ActiveRequest | None = None
        self.span: traces.ServerSpan | None = None
        if traced:
            with _of_metrics:
                self._active = ActiveRequest() if settings.metrics else None
            with _of_traces:
                self.span = traces.begin(request, self.trusted)
        self.trace: TraceContext | None = self.span.trace if self.span else None
        if self.span is None and traced and currentspan.may_be():
            with _of_traces:  # the span of a project that traces by itself
                self.trace = traces.current()
        self.tally.trace = self.trace
        self.client_correlation_id = None if self.trusted else given
        self.correlation_id = traces.request_id(given, self.span, self.trace, trusted=self.trusted)
        self._outside = get_current(), tally.current()
        outside = self.span.context if self.span else self._outside[0]
        self._context = correlation.within(outside, self.correlation_id)
        request._django_observe = self  # type: ignore[attr-defined]  # noqa: SLF001 - our own mark
        try:  # noqa: SIM105 - no call, and no dict made of the request's attributes: 4k instructions
            request.correlation_id = self.correlation_id  # type: ignore[attr-defined]
        except (AttributeError, TypeError, ValueError):  # its class has a property of that name
            pass
        self._entry = inflight.entered(self)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """A copy of a request, or what it is pickled to, is not under observation."""
        return type(None), ()

    def bind(self, context: Context | None = None) -> Tokens:
        """Makes this request the current one; keep the tokens for `unbind`. `context`: if it has gone on."""
        return attach(self._context if context is None else context), tally.bind(self.tally)

    def unbind(self, tokens: Tokens) -> None:
        """Gives the context back what it had before `bind`."""
        try:
            correlation.reset(tokens[0])
        finally:
            correlation.reset(tokens[1])

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
        inflight.left(self._entry)
        self.request = None

    def failed(self, error: BaseException) -> None:
        """Remembers the uncaught exception that decides this request's outcome."""
        self.failure = privacy.failure_of(error)

    def echo(self, response: HttpResponseBase) -> None:
        """Writes the ID into the answer's headers, and what OpenTelemetry's variables ask for."""
        header = conf.settings().correlation_header
        if header is not None:
            set_default(response, header, self.correlation_id)
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

    def give_up(self, error: BaseException) -> None:
        """As `abandon`, from outside: the process will be killed before it can answer."""
        tokens = self.bind()
        try:
            self.abandon(error)
        finally:
            self.unbind(tokens)

    def _report(
        self, status: int, response: HttpResponseBase | None, *, bytes_out: int | None, aborted: bool
    ) -> None:
        request = self.request
        if not inflight.left(self._entry) or request is None:
            return  # told before, maybe by the parent of a child that the view forked
        answer = {"status": status, "bytes_out": bytes_out, "aborted": aborted}
        told: Exchange | None = None
        try:
            with _of_observation:
                if self._active is not None:
                    self._active.end()
                told = self._exchange(answer, request, response, requestfields.add)
                report(told)
            if told is None:  # an object of the project's raised when it was asked
                with _of_observation:
                    report(self._exchange(answer, request, response, requestfields.add_what_can_be_read))
        finally:  # a signal handler may have raised
            self.request = None
            if self.span is not None:
                with _of_traces:
                    self.span.end()

    def _exchange(
        self,
        answer: dict[str, Any],
        request: HttpRequest,
        response: HttpResponseBase | None,
        add: Callable[[dict[str, Any], HttpRequest, HttpResponseBase | None], None],
    ) -> Exchange:
        queued = request.META.get(_REQUEST_START)
        fields = {
            "correlation_id": self.correlation_id,
            "client_correlation_id": self.client_correlation_id,
            "trace": self.trace,
            "method": request.method or "",
            "seconds": perf_counter() - self.started,
            "queue_seconds": queue_seconds(queued, time()) if queued and self.trusted else None,
            "queries": self.tally.queries(),
            "calls": self.tally.calls(),
            "own": self._own,
            "view_exception": self.view_exception,
            "failure": self.failure,
            **answer,
        }
        add(fields, request, response)
        return Exchange.of(fields)
