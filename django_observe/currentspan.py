"""The span that is current; where nobody has imported OpenTelemetry's API of spans, there is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, get_current

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

_API = "opentelemetry.trace"
_api: Any = None


def may_be() -> bool:
    """Whether anybody could have begun a span: a tenth of what it takes to look for one."""
    return _API in sys.modules


def span_in(context: Context | None = None) -> Span | None:
    """The span that is current in `context` (default: here and now); an invalid one or None if none is."""
    api = _api or _imported()
    span: Span | None = None if api is None else api.get_current_span(context)
    return span


def context_in(context: Context | None = None) -> SpanContext | None:
    """The same by its IDs; None where they are not valid."""
    span = span_in(context)
    if span is None:
        return None
    known = span.get_span_context()
    is_one = issubclass(type(known), _api.SpanContext)  # a mock of a span answers with a mock
    return known if is_one and known.is_valid else None


def without(context: Context | None) -> Context:
    """`context` (default: here and now) without a span."""
    api = _api or _imported()
    if api is None:
        return get_current() if context is None else context
    bare: Context = api.set_span_in_context(api.INVALID_SPAN, context)
    return bare


def _imported() -> Any:
    """OpenTelemetry's module, once its import has come to its end, in whatever thread."""
    global _api
    found = sys.modules.get(_API)
    if hasattr(found, "use_span"):  # the last that it defines
        _api = found
    return _api
