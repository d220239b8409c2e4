"""Strategies for what is called on spans: usual values, odd ones, and some that are refused."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    AlwaysRecordSampler,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.spanplay import Adding


class Colour(IntEnum):
    RED = 1


class Words(str):
    __slots__ = ()


class Unshowable:
    __repr__ = object.__repr__


PLAIN = st.text(max_size=12) | st.booleans() | st.integers() | st.floats() | st.binary(max_size=4) | st.none()
ODD = st.sampled_from(
    [Colour.RED, Words("words"), Unshowable(), object, ["a", 1, None], ("long " * 9,), {"a": {"": 1, 2: "b"}}]
)
VALUES = PLAIN | PLAIN | ODD
KEYS: st.SearchStrategy[Any] = st.sampled_from([*"abcdef", "", 1, None, Words("a")])
USUAL = st.dictionaries(st.sampled_from("abcdefgh"), PLAIN, max_size=6)
MAPPINGS: st.SearchStrategy[Any] = (
    USUAL | USUAL | st.dictionaries(KEYS, VALUES, max_size=5) | USUAL.map(MappingProxyType) | st.none()
)
STRANGE: st.SearchStrategy[Any] = MAPPINGS | st.sampled_from([[("a", 1)], "text", 5, ()])
TIMES = st.none() | st.integers(0, 2**60)
CONTEXTS = st.builds(
    SpanContext,
    st.sampled_from([0, 1, 2**127 + 5, 2**64 - 1, 2**128]),
    st.sampled_from([0, 1, 2**63]),
    st.booleans(),
    st.sampled_from([TraceFlags(value) for value in range(4)]),
    st.sampled_from([None, TraceState([("k", "v")])]),
)
PARENTS = (
    st.none()
    | st.just(Context())
    | CONTEXTS.map(lambda each: trace.set_span_in_context(trace.NonRecordingSpan(each), Context()))
)
LINKS = st.lists(st.tuples(CONTEXTS, MAPPINGS), max_size=3)
SMALL = st.sampled_from([None, 0, 1, 3, 128])
LIMITED = ("span_attributes", "event_attributes", "link_attributes", "events", "links")
LENGTHS = ("attribute_length", "span_attribute_length")
LIMITS = st.fixed_dictionaries({f"max_{name}": SMALL for name in (*LIMITED, *LENGTHS)})
DECIDING: list[Sampler] = [
    *(DEFAULT_ON, DEFAULT_ON, ALWAYS_ON, ALWAYS_OFF, DEFAULT_OFF, StaticSampler(Decision.RECORD_ONLY)),
    *(TraceIdRatioBased(0.5), ParentBasedTraceIdRatio(0.5), AlwaysRecordSampler(ALWAYS_OFF)),
    ParentBased(TraceIdRatioBased(0.96), ALWAYS_OFF, ALWAYS_ON, ALWAYS_ON, ALWAYS_OFF),
    ParentBased(Adding(Decision.RECORD_AND_SAMPLE), Adding(Decision.DROP)),
    *(Adding(each) for each in Decision),
]
SAMPLERS = st.sampled_from(DECIDING)
STARTS = st.fixed_dictionaries(
    {"name": st.text(max_size=5), "context": PARENTS, "kind": st.sampled_from(SpanKind)},
    optional={
        "attributes": STRANGE,
        "start_time": TIMES,
        "record_exception": st.booleans(),
        "set_status_on_exception": st.booleans(),
    },
)
STATUSES: st.SearchStrategy[Any] = st.sampled_from([*StatusCode, "ok", None]) | st.builds(
    Status, st.sampled_from(StatusCode), st.none() | st.text(max_size=3)
)


def calls(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
    return st.tuples(st.just(name), st.tuples(*arguments))


TEXTS = st.text(max_size=5)
ERRORS = st.sampled_from([ValueError("no"), KeyError("a"), SystemExit(1)])
CALLS = st.lists(
    st.one_of(
        calls("set_attribute", KEYS, VALUES),
        calls("set_attribute", st.sampled_from("ab"), VALUES),
        calls("set_attributes", STRANGE),
        calls("add_event", TEXTS, MAPPINGS, TIMES),
        calls("add_link", CONTEXTS, MAPPINGS),
        calls("update_name", TEXTS),
        calls("set_status", STATUSES, st.none() | TEXTS),
        calls("record_exception", ERRORS, MAPPINGS, TIMES, st.booleans()),
        calls("__exit__", st.none(), st.none() | ERRORS, st.none()),
        calls("start", TIMES),
        calls("end", TIMES),
        calls("is_recording"),
        calls("get_span_context"),
    ),
    max_size=10,
)
