"""The same calls on a span of one provider or another, and everything that can be seen of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, TypeAlias
from unittest.mock import patch

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState

from django_observe import span as lean
from django_observe import tracer
from django_observe.span import LeanSpan, Reader
from django_observe.tracer import Provider

Script: TypeAlias = Sequence[tuple[str, tuple[Any, ...]]]


class Numbered(IdGenerator):
    """IDs that are the same in each run, and may be declared to be random."""

    def __init__(self, *, is_random: bool) -> None:
        self._numbers = count(1)
        self._is_random = is_random

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128

    def is_trace_id_random(self) -> bool:
        return self._is_random


class Adding(Sampler):
    """One that looks at everything, and answers with attributes and a state of its own."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def should_sample(  # noqa: PLR0917
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        seen = (trace_id, name, kind, attributes, [each.context for each in links or ()])
        return SamplingResult(self._decision, {"seen": repr(seen)}, TraceState([("a", "b")]))

    def get_description(self) -> str:
        return "Adding"


class Kept(SpanProcessor):
    """What a user's processor is told: attributes as they are at the start, a readable span at the end."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        around = parent_context if parent_context is None else trace.get_current_span(parent_context)
        self.told.append(("start", dict(span.attributes or {}), around and around.get_span_context()))
        span.set_attribute("stamp", "s")

    def _on_ending(self, span: Span) -> None:
        self.told.append(("ending", span.is_recording()))

    def on_end(self, span: ReadableSpan) -> None:
        self.told.append(("end", told(span)))


class ReaderToo(Kept, Reader):
    """One as ours, which is given the span itself."""

    def _on_ending(self, span: Span) -> None:
        """Readers have no use for it."""


def told(span: ReadableSpan) -> dict[str, Any]:
    """All that can be read of a span, in the order in which it is stored."""
    try:
        text = span.to_json()
    except TypeError as error:  # bytes
        text = str(error)
    return {
        "json": text,
        "context": span.context,
        "flags": repr(span.context.trace_flags),
        "parent": span.parent,
        "attributes": repr(list((span.attributes or {}).items())),
        "events": repr(
            [(e.name, e.timestamp, dict(e.attributes or {}), e.dropped_attributes) for e in span.events]
        ),
        "links": repr(
            [(link.context, dict(link.attributes or {}), link.dropped_attributes) for link in span.links]
        ),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "status": (span.status.status_code, span.status.description),
        "times": (span.start_time, span.end_time),
        "scope": (span.instrumentation_scope, span.resource, span.kind, span.name),
    }


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def listening() -> Iterator[list[str]]:
    """What OpenTelemetry logs meanwhile."""
    logger, lines = logging.getLogger("opentelemetry"), Lines()
    logger.addHandler(lines)
    logger.propagate = False
    try:
        yield lines.texts
    finally:
        logger.propagate = True
        logger.removeHandler(lines)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - both are to raise the same
        return type(error), isinstance(error, AttributeError) or str(error)  # which of the missing ones


def play(
    kind: type[TracerProvider],
    script: Script,
    start: dict[str, Any],
    links: Sequence[tuple[SpanContext, Any]],
    processors: Sequence[type[Kept]],
    **given: Any,
) -> list[Any]:
    """Everything that can be seen of the script's calls on a span of that provider, and on a child of it."""
    ids = Numbered(is_random=given["is_random"])
    limits = SpanLimits(**given["limits"])
    made = kind(
        given["sampler"], Resource.get_empty(), shutdown_on_exit=False, id_generator=ids, span_limits=limits
    )
    kept = [each() for each in processors]
    for each in kept:
        made.add_span_processor(each)
    seen: list[Any] = []
    clock = count(10**18).__next__
    clocks = (patch.object(module, "time_ns", clock) for module in (sdk, tracer, lean))
    with listening() as lines, ExitStack() as stack:
        for patched in clocks:
            stack.enter_context(patched)
        shop = made.get_tracer("shop", "1")
        span: Any = outcome(lambda: shop.start_span(**start, links=[Link(*each) for each in links]))
        if not isinstance(span, trace.Span):
            return [span, lines]
        assert isinstance(span, LeanSpan) is (kind is Provider and isinstance(span, Span))
        for name, arguments in script:
            seen.append((name, outcome(lambda: getattr(span, name)(*arguments))))  # noqa: B023 - called at once
        child = shop.start_span("child", trace.set_span_in_context(span, Context()))
        child.end()
        span.end()
        if isinstance(span, ReadableSpan):
            seen.append(told(span))
    return [seen, span.get_span_context(), child.get_span_context(), [each.told for each in kept], lines]
