"""What is remembered of names and texts takes little memory, however long these are and however many."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from django_observe import (
    conf,
    logattributes,
    otlpspans,
    otlpwire,
    persons,
    secretnames,
    spanfields,
    sqltext,
    trust,
)

NUMBER, LENGTH = 1_200, 4_000
LIMIT = 2 * 1024 * 1024
"""Bytes; the texts themselves are three times as many."""


def span_with(attributes: dict[str, str]) -> ReadableSpan:
    return ReadableSpan("GET", attributes=attributes, resource=Resource({}))


ASKED: dict[str, Callable[[str], object]] = {
    "a span's attribute": lambda text: spanfields.of_span(span_with({text: "v"})),
    "an attribute's value": lambda text: spanfields.of_span(
        span_with({"key": text, "user.id": text, "correlation_id": text})
    ),
    "a field of OTLP": otlpwire.key,
    "a span's name": otlpspans._name,
    "a field of a log line": lambda text: logattributes.fitted({text: 1}),
    "a key": secretnames.is_secret,
    "a statement": sqltext.without_values,
    "a host": lambda text: trust.may_be_told(text, ("*.internal",), conf.PRIVATE_NETWORKS),
    "an address": persons.client_ip,
    "a forwarding proxy": lambda text: trust.client_address("127.0.0.1", text, conf.PRIVATE_NETWORKS),
}


@pytest.mark.parametrize("what", ASKED)
def test_long_texts_are_not_kept(what: str) -> None:
    ask = ASKED[what]
    ask("warm")
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(NUMBER):
            ask(f"{number:x<{LENGTH}}")
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < LIMIT
