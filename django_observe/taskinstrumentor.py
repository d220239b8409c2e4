"""OpenTelemetry's Celery instrumentation without its receivers; imported only where tasks are traced."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.celery import CeleryInstrumentor


class TaskInstrumentor(CeleryInstrumentor):
    """The instrumentation with its names and attributes; `taskspans` calls what signals would have called.

    Takes the place of the one instance there is, so that an `instrument()` elsewhere makes no second spans.
    """

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]
        super()._uninstrument()  # type: ignore[no-untyped-call]

    def linking(self) -> Any:
        """This instrumentor with `use_span_links`, which upstream has for all tasks or none."""
        twin: Any = object.__new__(TaskInstrumentor)
        vars(twin).update(vars(self), _use_span_links=True)
        return twin


def instance() -> Any:
    """The one instrumentor, ours; None where the project has switched on upstream's by itself."""
    existing = CeleryInstrumentor._instance  # noqa: SLF001 - there is no public way to ask without making one
    if isinstance(existing, TaskInstrumentor):
        return existing
    if existing is not None and existing.is_instrumented_by_opentelemetry:
        return None
    made: Any = TaskInstrumentor
    CeleryInstrumentor._instance = made()  # noqa: SLF001
    return CeleryInstrumentor._instance  # noqa: SLF001
