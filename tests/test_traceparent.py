"""Our reading of a traceparent against OpenTelemetry's, and where it must not be asked at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_observe import traceparent
from django_observe.propagators import CorrelationPropagator, TraceParentPropagator

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WHOLE = f"00-{TRACE}-{SPAN}-01"

hexadecimal = st.text("0123456789abcdef", min_size=1, max_size=34)


def upstream(header: str) -> trace.SpanContext:
    context = TraceContextTextMapPropagator().extract({"traceparent": header}, Context())
    return trace.get_current_span(context).get_span_context()


@given(
    st.sampled_from(["00", "01", "cc", "ff", "0", ""]),
    st.one_of(st.just(TRACE), st.just("0" * 32), st.just(TRACE.upper()), hexadecimal),
    st.one_of(st.just(SPAN), st.just("0" * 16), hexadecimal),
    st.one_of(st.sampled_from(["00", "01", "ff", "1"]), hexadecimal),
    st.sampled_from(["", "-", "-more", " ", "\n"]),
)
def test_it_reads_what_opentelemetry_reads_or_leaves_it_to_it(
    version: str, trace_id: str, span_id: str, flags: str, end: str
) -> None:
    header = f"{version}-{trace_id}-{span_id}-{flags}{end}"
    ours = traceparent.parsed(header)
    if ours is not None:
        assert ours == upstream(header)
        assert isinstance(ours.trace_flags, trace.TraceFlags)


@pytest.mark.parametrize("flags", ["00", "01", "02", "03", "ff"])
def test_every_flag_is_read(flags: str) -> None:
    header = f"00-{TRACE}-{SPAN}-{flags}"
    assert traceparent.parsed(header) == upstream(header)
    assert upstream(header).is_valid


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"00",
        "",
        f" {WHOLE}",
        f"{WHOLE}\n",
        f"{WHOLE}-more",
        WHOLE.replace("00-", "01-", 1),
        WHOLE.upper(),
        WHOLE.replace(TRACE, "0" * 32),
        WHOLE.replace(SPAN, "0" * 16),
        WHOLE.replace("a", "\N{FULLWIDTH LATIN SMALL LETTER A}"),
        WHOLE.replace("0a", "+a"),
        WHOLE.replace("0a", "_a"),
    ],
)
def test_anything_else_is_left_to_the_propagators(header: Any) -> None:
    assert traceparent.parsed(header) is None


class Foreign(TraceContextTextMapPropagator):
    """One that somebody has changed."""


@pytest.mark.parametrize(
    ("parts", "beside"),
    [
        ([TraceParentPropagator(), CorrelationPropagator()], set()),
        ([TraceContextTextMapPropagator(), W3CBaggagePropagator()], {"tracestate", "baggage"}),
        ([CompositePropagator([TraceContextTextMapPropagator()]), CorrelationPropagator()], {"tracestate"}),
        ([W3CBaggagePropagator(), CorrelationPropagator()], None),
        ([Foreign(), CorrelationPropagator()], None),
        ([], None),
    ],
)
def test_it_is_known_what_a_propagator_reads_beside(
    parts: list[TextMapPropagator], beside: set[str] | None
) -> None:
    assert traceparent.read_beside(CompositePropagator(parts)) == beside
