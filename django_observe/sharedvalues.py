"""Values of prometheus_client that become shared, or cease to be, after it was imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_switched: list[Callable[[], None]] = []


def on_switch(callback: Callable[[], None]) -> None:
    """Calls `callback` after values were switched to shared ones: bound children are to be bound anew."""
    if callback not in _switched:
        _switched.append(callback)


def switch() -> None:
    """Makes values shared where prometheus_client was imported before the variable was set."""
    if "prometheus_client" not in sys.modules:
        return
    from prometheus_client import REGISTRY, values
    from prometheus_client.metrics import MetricWrapperBase

    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001 - no public way to walk them
        if isinstance(collector, MetricWrapperBase):
            for leaf in _leaves(collector):
                _carry_over(leaf)
    for callback in _switched:
        callback()


def go_alone() -> None:
    """Makes values those of one process, whatever prometheus_client found when it was imported."""
    values = sys.modules.get("prometheus_client.values")
    if values is not None:
        values.ValueClass = values.MutexValue  # type: ignore[attr-defined]


def _leaves(collector: Any) -> list[Any]:
    return list(collector._metrics.values()) if collector._is_parent() else [collector]  # noqa: SLF001


def _carry_over(leaf: Any) -> None:
    before = _values(leaf)
    leaf._metric_init()  # noqa: SLF001 - makes the leaf's values, now of the shared class
    for old, new in zip(before, _values(leaf), strict=True):
        if old.get():
            new.set(old.get())


def _values(leaf: Any) -> list[Any]:
    single = (getattr(leaf, name, None) for name in ("_value", "_sum", "_count"))
    found = [*single, *getattr(leaf, "_buckets", ())]
    return [value for value in found if hasattr(value, "set") and hasattr(value, "get")]
