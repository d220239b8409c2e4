"""How many traces this process says it keeps, by its provider's sampler."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from django_observe.doctor import sampling


@pytest.mark.parametrize(("kept", "told"), [(0.25, 0.25), (1.0, None)])
def test_a_ratio_that_keeps_all_leaves_nothing_to_chance(
    kept: float, told: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As parentbased_traceidratio without its _ARG: what is then missing was not sampled out."""
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(kept), shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert sampling.ratio() == told
