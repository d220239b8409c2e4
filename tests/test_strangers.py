"""Whose trace's ID becomes a stranger's correlation ID, where somebody else's middleware began the span."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.test import RequestFactory, override_settings
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context, use_span

from django_observe.handshake import Handshake
from django_observe.observation import Observation
from django_observe.testing import captured

STRANGER = "203.0.113.9"
CHOSEN = SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0xF067AA0BA902B7, True, TraceFlags(1))
Asked: TypeAlias = Callable[[], str]


def request() -> str:
    return Observation(RequestFactory().get("/", REMOTE_ADDR=STRANGER)).correlation_id


def websocket() -> str:
    scope: dict[str, Any] = {"type": "websocket", "path": "/ws/", "headers": [], "client": (STRANGER, 4000)}
    return Handshake(scope, "ws/").correlation_id


@pytest.fixture(params=[request, websocket])
def asked(request: pytest.FixtureRequest) -> Asked:
    """The ID of a stranger's request, or WebSocket."""
    found: Asked = request.param
    return found


def hexadecimal(context: SpanContext) -> str:
    return f"{context.trace_id:032x}"


def test_a_trace_that_was_begun_here_gives_the_id(asked: Asked) -> None:
    with captured(), use_span(TracerProvider().get_tracer("front").start_span("GET")) as span:
        assert asked() == hexadecimal(span.get_span_context())


@pytest.mark.parametrize("sampler", [None, ALWAYS_OFF], ids=["recorded", "not recorded"])
def test_one_that_a_stranger_began_does_not(asked: Asked, sampler: Any) -> None:
    """In whatever header it came."""
    tracer = TracerProvider(sampler=sampler).get_tracer("front")
    span = tracer.start_span("GET", set_span_in_context(NonRecordingSpan(CHOSEN)))
    assert span.get_span_context().trace_id == CHOSEN.trace_id
    with captured(), use_span(span):
        assert asked() != hexadecimal(CHOSEN)


@override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": [f"{STRANGER}/32"]})
def test_a_trusted_peers_does(asked: Asked) -> None:
    with captured(), use_span(NonRecordingSpan(CHOSEN)):
        assert asked() == hexadecimal(CHOSEN)
