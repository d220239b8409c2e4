"""HTTP metrics: django-prometheus' families, observed in one pass over a finished exchange."""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from typing import Any

from django_prometheus.middleware import Metrics
from prometheus_client import Counter, Histogram

from django_observe.adders import Add
from django_observe.collectors import (
    MAX_LABEL_LENGTH,
    MAX_LABEL_SETS,
    Family,
    Observer,
    Timer,
    adder,
    timers,
)
from django_observe.records import Exchange
from django_observe.requestmetricset import (
    HTTP_EXCEPTIONS_BY_TYPE,
    HTTP_EXCEPTIONS_BY_VIEW,
    HTTP_LATENCY,
    HTTP_REQUESTS,
    HTTP_REQUESTS_BY_METHOD,
    HTTP_REQUESTS_BY_TRANSPORT,
    HTTP_RESPONSES,
    HTTP_RESPONSES_BY_CHARSET,
    HTTP_RESPONSES_BY_STATUS,
    HTTP_RESPONSES_BY_TEMPLATE,
)
from django_observe.superseded import Superseded

FAILED = "500"


@dataclass(frozen=True, slots=True)
class Group:
    """Everything that exchanges of the same labels count into, bound.

    By `labels()`, `inc()` and `observe()` a request takes 145k instructions more, 38k of them for locks.
    """

    count: Add
    timers: tuple[Timer, ...]


class RequestMetrics:
    """Counts exchanges, each once."""

    def __init__(self, superseded: Superseded) -> None:
        self._superseded = superseded
        self._groups: dict[tuple[Any, ...], Group] = {}
        metrics = Metrics.get_instance()
        self._counters_before = (metrics.requests_total, metrics.responses_total)
        self._latency_before = metrics.requests_latency_before
        self._ajax = adder(metrics.requests_ajax)
        self._streaming = adder(metrics.responses_streaming)
        self._request_bytes = Observer(metrics.requests_body_bytes)
        self._response_bytes = Observer(metrics.responses_body_bytes)
        self._by_method = Family(HTTP_REQUESTS_BY_METHOD, metrics.requests_by_method)
        self._by_transport = Family(HTTP_REQUESTS_BY_TRANSPORT, metrics.requests_by_transport)
        self._by_view = Family(HTTP_REQUESTS, metrics.requests_by_view_transport_method)
        self._by_status = Family(HTTP_RESPONSES_BY_STATUS, metrics.responses_by_status)
        self._by_status.child(FAILED)  # from 0 on: Prometheus does not see the step in which a series begins
        self._by_status_view = Family(HTTP_RESPONSES, metrics.responses_by_status_view_method)
        self._by_charset = Family(HTTP_RESPONSES_BY_CHARSET, metrics.responses_by_charset)
        self._by_template = Family(HTTP_RESPONSES_BY_TEMPLATE, metrics.responses_by_templatename)
        self._latency = Family(HTTP_LATENCY, metrics.requests_latency_by_view_method)
        self._exceptions_by_type = Family(HTTP_EXCEPTIONS_BY_TYPE, metrics.exceptions_by_type)
        self._exceptions_by_view = Family(HTTP_EXCEPTIONS_BY_VIEW, metrics.exceptions_by_view)

    def observe(self, exchange: Exchange) -> float:
        """Counts one exchange; returns the Unix time it was counted at."""
        now = time()
        if exchange.own:
            return now
        labels = (
            exchange.view,
            exchange.method,
            exchange.status,
            exchange.transport,
            exchange.charset,
            exchange.matched,
        )
        group = self._groups.get(labels) or self._group(exchange, labels)
        group.count(1)
        for timer in group.timers:
            timer.time(exchange.seconds, exchange.trace, now)
        if not self._superseded.after:
            self._bodies(exchange)
        return now

    def _bodies(self, exchange: Exchange) -> None:
        self._request_bytes.observe(exchange.bytes_in)
        if exchange.streaming:
            self._streaming(1)
        elif exchange.bytes_out is not None:
            self._response_bytes.observe(exchange.bytes_out)
        if exchange.ajax:
            self._ajax(1)
        if exchange.template is not None:
            self._by_template.child(exchange.template).inc()
        if exchange.view_exception is not None:
            self._exceptions_by_type.child(exchange.view_exception).inc()
            self._exceptions_by_view.child(exchange.view).inc()

    def _group(self, exchange: Exchange, labels: tuple[Any, ...]) -> Group:
        """The bound children of a label set; kept while there are few: a flood costs time, not memory."""
        counters: list[Counter] = []
        latencies: list[Histogram] = []
        if not self._superseded.before:
            counters += self._counters_before
            latencies.append(self._latency_before)
        if not self._superseded.after:
            counters += self._labelled(exchange)
            latencies.append(self._latency.child(exchange.view, exchange.method))
        group = Group(adder(*counters), timers(latencies))
        if len(self._groups) < MAX_LABEL_SETS and len(exchange.charset or "") <= MAX_LABEL_LENGTH:
            self._groups[labels] = group
        return group

    def _labelled(self, exchange: Exchange) -> list[Counter]:
        view, method, status = exchange.view, exchange.method, str(exchange.status)
        children = [
            self._by_method.child(method),
            self._by_transport.child(exchange.transport),
            self._by_status.child(status),
            self._by_status_view.child(status, view, method),
        ]
        if exchange.matched:
            children.append(self._by_view.child(view, exchange.transport, method))
        if exchange.charset is not None:
            children.append(self._by_charset.child(exchange.charset))
        return children
