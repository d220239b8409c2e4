"""Who reads the attributes of a span when it starts: samplers and processors of the project's own."""

# ruff: noqa: SLF001 - the SDK's private parts: `tracer.is_known` asks whether they are there

from __future__ import annotations

from itertools import product
from typing import Any

from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import TraceFlags

from django_observe.span import Reader
from django_observe.tracer import LeanTracer, decided

_PARENTS = tuple(product((None, TraceFlags(0), TraceFlags(1)), (False, True)))


class Onlookers:
    """Those of one tracer after the other; what a sampler looks at is found out once."""

    def __init__(self) -> None:
        self._sampler: Sampler | None = None
        self._asks = True

    def has(self, tracer: Any) -> bool:
        """Whether `tracer` has any: False, and a span may get its attributes later."""
        if type(tracer) is not LeanTracer:
            return True
        processors = tracer.span_processor._span_processors
        if len(processors) != 1 or not isinstance(processors[0], Reader):
            return True
        if tracer.sampler is not self._sampler:
            self._sampler, self._asks = tracer.sampler, _asks(tracer.sampler)
        return self._asks


def _asks(sampler: Sampler) -> bool:
    return any(decided(sampler, 1, flags, is_remote=remote) is None for flags, remote in _PARENTS)
