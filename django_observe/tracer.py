"""The tracer provider of ours: the SDK's, whose tracers start spans by a fraction of the instructions.

From start to queue a server span of 18 attributes takes 94k in place of 325k, a statement's 64k of 210k.
"""

# ruff: noqa: SLF001 - the SDK's private parts: `is_known` asks whether they are there

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from time import time_ns
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SynchronousMultiSpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import (
    DEFAULT_ON,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    get_current_span,
    propagation,
)
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import Tracer as AnyTracer
from opentelemetry.util.types import Attributes

from django_observe.notice import said
from django_observe.span import LeanSpan

_FLAGS = tuple(map(TraceFlags, range(4)))
"""Made once: sampled or not, a random trace ID or not."""

_BY_PARENT = frozenset({ParentBased, ParentBasedTraceIdRatio})
_FIELDS = ("trace_id", "span_id", "is_remote", "trace_flags", "trace_state", "is_valid")
"""Of a SpanContext, which is a tuple."""

_SPAN_KEY: Any = getattr(propagation, "_SPAN_KEY", None)

_DROP, _SAMPLE = Decision.DROP, Decision.RECORD_AND_SAMPLE


class LeanTracer(Tracer):
    """The SDK's tracer, except for how it starts a span."""

    def start_span(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> AnySpan:
        """As the SDK does; its own samplers are read, not asked."""
        around = _around(context)
        if not self._is_enabled():
            return NonRecordingSpan(around)  # type: ignore[arg-type]
        ids, links, parent = self.id_generator, links or (), around
        identity: tuple[Any, ...] = INVALID_SPAN_CONTEXT if around is None else around
        trace_id, _, is_remote, flags, state, is_valid = identity
        if not is_valid:
            trace_id, parent, flags, state = ids.generate_trace_id(), None, None, None
        decision = decided(self.sampler, trace_id, flags, is_remote=is_remote)
        if decision is None or not (attributes is None or type(attributes) is dict):
            result = self.sampler.should_sample(context, trace_id, name, kind, attributes, links)
            decision, attributes, state = result.decision, result.attributes, result.trace_state
        is_random = ids.is_trace_id_random() if flags is None else flags & TraceFlags.RANDOM_TRACE_ID
        flags = _FLAGS[(decision is _SAMPLE) + (2 if is_random else 0)]
        own = SpanContext(trace_id, ids.generate_span_id(), False, flags, state)
        on_end = self._tracer_metrics.start_span(parent, decision)
        if decision is _DROP:
            return NonRecordingSpan(own)
        began = time_ns() if start_time is None else start_time
        span = object.__new__(
            LeanSpan
        )  # not by way of two constructors: saves 4k of a span's 60k instructions
        LeanSpan.__init__(span, self, name, own, parent, kind, attributes, links, began, on_end)
        if not (record_exception and set_status_on_exception):
            span._record_exception, span._set_status_on_exception = record_exception, set_status_on_exception
        for processor in self.span_processor._span_processors:
            processor.on_start(span, parent_context=context)
        return span


def _around(context: Context | None) -> SpanContext | None:
    """The identity of the span that is current."""
    span: Any = (get_current() if context is None else context).get(_SPAN_KEY)
    found: Any
    if type(span) is LeanSpan or type(span) is NonRecordingSpan:
        found = span._context  # saves 2k of a span's 60k instructions
    elif span is None:
        found = INVALID_SPAN_CONTEXT
    else:
        found = get_current_span(context).get_span_context()
    if found is not None and not isinstance(found, SpanContext):
        raise TypeError("parent_span_context must be a SpanContext or None.")
    return found


def decided(sampler: Any, trace_id: int, flags: TraceFlags | None, *, is_remote: bool) -> Decision | None:
    """What a sampler of the SDK's own decides by the ID and the parent's flags; None: it is to be asked."""
    if type(sampler) in _BY_PARENT:
        if flags is None:
            sampler = sampler._root
        elif flags & TraceFlags.SAMPLED:
            sampler = sampler._remote_parent_sampled if is_remote else sampler._local_parent_sampled
        else:
            sampler = sampler._remote_parent_not_sampled if is_remote else sampler._local_parent_not_sampled
    if type(sampler) is StaticSampler:
        return sampler._decision
    if type(sampler) is TraceIdRatioBased:
        return _SAMPLE if trace_id & sampler.TRACE_ID_LIMIT < sampler.bound else _DROP
    return None


class Provider(TracerProvider):
    """The SDK's provider with lean tracers; with the SDK's own where an SDK is not as it is known here."""

    _has_known_sdk: bool | None = None

    def get_tracer(self, *arguments: Any, **named: Any) -> AnyTracer:
        """The SDK's tracer, made and registered by the SDK, and lean from then on."""
        tracer = super().get_tracer(*arguments, **named)
        if type(tracer) is Tracer and self._knows(tracer):
            tracer.__class__ = LeanTracer
        return tracer

    def _knows(self, tracer: Tracer) -> bool:
        if self._has_known_sdk is None:
            self._has_known_sdk = is_known(tracer)
            if not self._has_known_sdk:
                said(
                    f"django_observe: OpenTelemetry SDK {sdk_version} is not known: its slower spans are used"
                )
        return self._has_known_sdk


def is_known(tracer: Tracer) -> bool:
    """Whether the SDK still has the private parts that lean spans are made of, and no others."""
    try:
        lean = LeanSpan(tracer, "", INVALID_SPAN_CONTEXT, None, SpanKind.INTERNAL, None, (), 0, lambda: None)
        plain = _Plain("", INVALID_SPAN_CONTEXT, resource=Resource.get_empty())
        decided(DEFAULT_ON, 1, None, is_remote=False)
    except (AttributeError, TypeError):
        return False
    return (
        all(hasattr(lean, name) for name in vars(plain))
        and all(hasattr(lean._attributes, name) for name in vars(plain._attributes))
        and tuple(INVALID_SPAN_CONTEXT) == tuple(getattr(INVALID_SPAN_CONTEXT, name) for name in _FIELDS)
        and get_current_span(Context({_SPAN_KEY: lean})) is lean
        and all(hasattr(owner, name) for owner, names in _METHODS.items() for name in names)
        and hasattr(tracer, "_tracer_metrics")
        and type(tracer.span_processor) is SynchronousMultiSpanProcessor
        and hasattr(tracer.span_processor, "_span_processors")
        and list(signature(Tracer.start_span).parameters) == list(signature(LeanTracer.start_span).parameters)
    )


class _Plain(Span):
    """A span of the SDK's, to be compared with."""


_METHODS: dict[type, tuple[str, ...]] = {
    BoundedAttributes: ("_set_items", "_setitem_locked"),
    Span: ("_add_event", "_add_link", "_new_links", "_readable_span"),
    Tracer: ("_is_enabled",),
}
