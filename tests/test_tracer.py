"""Our spans against the SDK's own: the same calls on both, and everything that can be read afterwards."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, TraceState

from django_observe.tracer import Provider
from tests.spancalls import CALLS, DECIDING, LIMITS, LINKS, SAMPLERS, STARTS
from tests.spanplay import Kept, ReaderToo, Script, play

PROCESSORS = [(), (ReaderToo,), (Kept,), (ReaderToo, Kept)]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    script=CALLS,
    start=STARTS,
    links=LINKS,
    processors=st.sampled_from(PROCESSORS),
    limits=LIMITS | st.just({}),
    sampler=SAMPLERS,
    is_random=st.booleans(),
)
def test_whatever_is_called_is_seen_as_of_the_sdks_own_span(**given: Any) -> None:
    expected = play(TracerProvider, **given)
    assert play(Provider, **given) == expected


VALID = (2**127 + 5, 2**63)
NONE = (0, 0)
AROUND = [
    None,
    *(
        SpanContext(*ids, is_remote, TraceFlags(flags), TraceState([("k", "v")]))
        for ids, is_remote, flags in product((VALID, NONE), (True, False), range(4))
    ),
]


@pytest.mark.parametrize("sampler", DECIDING, ids=lambda each: each.get_description())
def test_each_sampler_decides_alike_whatever_the_parent(sampler: Sampler) -> None:
    for around, is_random, attributes in product(AROUND, (True, False), (None, {"a": 1})):
        context = around and trace.set_span_in_context(NonRecordingSpan(around), Context())
        given: dict[str, Any] = {
            "script": [],
            "start": {"name": "a", "context": context, "attributes": attributes},
            "links": [],
            "processors": (Kept,),
            "limits": {},
            "sampler": sampler,
            "is_random": is_random,
        }
        assert play(Provider, **given) == play(TracerProvider, **given)


LINK = (SpanContext(*VALID, is_remote=True), {"a": 1})
TEXTS = {"a": "12345", "b": "1234"}
SCRIPTS: dict[str, Script] = {
    "what is set again is the youngest": [
        *(("set_attribute", (key, 1)) for key in "abcba"),
        ("set_attributes", ({"c": 2, "a": 2},)),
        ("set_attributes", ({"d": 1, "b": 3},)),
        ("set_attribute", ("e", 1)),
    ],
    "names that are none": [
        *(("set_attribute", (key, 1)) for key in ("", None, 1, ())),
        ("set_attributes", ({"": 1, "a": 1},)),
        ("set_attributes", ({None: 1, 2: "b", (): 3},)),
    ],
    "texts at the limit": [
        *(("set_attribute", ("a", "x" * number)) for number in (0, 1, 49, 50, 51, 999, 1_000, 1_001)),
        *(("set_attributes", ({"b": "x" * number, "c": "y" * 50},)) for number in (50, 51, 1_000, 1_001)),
    ],
    "more than there is room for": [
        ("set_attributes", (dict.fromkeys("abc", 1),)),
        ("set_attributes", (dict.fromkeys("bcd", 2),)),
        ("set_attributes", (dict.fromkeys("abcdefg", 3),)),
        ("set_attribute", ("z", 1)),
    ],
    "more links and events than there is room for": [
        *(("add_link", LINK) for _ in range(4)),
        *(("add_event", (key, TEXTS, 1)) for key in "abcd"),
    ],
    "a time of nought": [("end", (0,)), ("end", (1,))],
    "nothing after the end": [
        ("end", ()),
        ("set_attribute", ("a", 1)),
        ("set_attributes", ({"a": 1},)),
        ("add_event", ("a", {}, 1)),
        ("add_link", LINK),
        ("set_status", (StatusCode.ERROR, "no")),
        ("update_name", ("b",)),
        ("start", ()),
    ],
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("processors", PROCESSORS[1:3])
@pytest.mark.parametrize("length", [None, 50, 1_000])
@pytest.mark.parametrize("room", [None, 0, 1, 3])
def test_each_edge_is_the_same(name: str, processors: Any, length: int | None, room: int | None) -> None:
    limited = ("attributes", "events", "links", "event_attributes", "link_attributes", "span_attributes")
    given: dict[str, Any] = {
        "script": SCRIPTS[name],
        "start": {"name": "a", "start_time": 0, "attributes": {"b": 0, "a": 0}},
        "links": [LINK],
        "processors": processors,
        "limits": {"max_attribute_length": length, **({f"max_{each}": room for each in limited})},
        "sampler": ALWAYS_ON,
        "is_random": True,
    }
    assert play(Provider, **given) == play(TracerProvider, **given)


def test_a_list_is_taken_as_it_is_when_it_is_set() -> None:
    items = ["a"]
    made = Provider(ALWAYS_ON, shutdown_on_exit=False)
    made.add_span_processor(ReaderToo())
    span: Any = made.get_tracer("shop").start_span("a")
    span.set_attribute("one", items)
    span.set_attributes({"many": items})
    items.append("b")
    span.end()
    assert (span.attributes["one"], span.attributes["many"]) == (("a",), ("a",))
    with pytest.raises(TypeError, match="immutable"):
        span._attributes["late"] = 1
    with pytest.raises(TypeError, match="immutable"):
        span._attributes._set_items({"late": 1})
