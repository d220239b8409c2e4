"""The prometheus_client collectors behind the metric families: made on first use, and bounded.

Importing this module imports prometheus_client, which chooses there and then between values of one process
and of several (PROMETHEUS_MULTIPROC_DIR); so it is only imported when the first record is told.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, TypeAlias

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from django_observe.exemplars import Series
from django_observe.metricset import BOUNDED_LABELS, METRIC_OVERFLOW, TELEMETRY_LAST_SUCCESS
from django_observe.records import TraceContext
from django_observe.vocabulary import LabelValue, Metric

MAX_LABEL_SETS = 1_000
"""Label sets of one family in one process; what comes later is folded into `other` and counted."""

MAX_LABEL_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Add: TypeAlias = Callable[[float], None]


class Family:
    """A metric family with a bound on its label sets."""

    __slots__ = ("_children", "_collector", "metric")

    def __init__(self, metric: Metric, collector: Any) -> None:
        self.metric = metric
        self._collector = collector
        self._children: dict[tuple[str, ...], Any] = {}

    def child(self, *values: str) -> Any:
        """The child of a label set; new values are made fit to be exposed, or folded if too many."""
        return self._children.get(values) or self._new(values)

    def _new(self, values: tuple[str, ...]) -> Any:
        if not values:
            return self._collector
        clean = tuple(label_value(value) for value in values)
        if len(self._children) >= MAX_LABEL_SETS:
            _overflow(self.metric.name)
            folded = zip(self.metric.labels, clean, strict=True)
            return self._collector.labels(
                *(value if label in BOUNDED_LABELS else LabelValue.OTHER for label, value in folded)
            )
        child = self._children[values] = self._collector.labels(*clean)
        return child


class Observer:
    """Observes into one child of a histogram: as its `observe`, by bisection and without its checks."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, child: Histogram) -> None:
        self._bounds = tuple(child._upper_bounds)  # noqa: SLF001 - observe() searches them one by one
        self._sum: Add = child._sum.inc  # noqa: SLF001
        self._buckets: tuple[Add, ...] = tuple(bucket.inc for bucket in child._buckets)  # noqa: SLF001

    def observe(self, value: float) -> None:
        """Counts one observation."""
        self._sum(value)
        self._buckets[bisect_left(self._bounds, value)](1)


class Timer(Observer):
    """An Observer of durations that offers each as an exemplar of its bucket."""

    __slots__ = ("_series",)

    def __init__(self, child: Histogram) -> None:
        super().__init__(child)
        labels = dict(zip(child._labelnames, child._labelvalues, strict=True))  # noqa: SLF001
        self._series = Series(child._name, labels, self._bounds)  # noqa: SLF001

    def time(self, seconds: float, trace: TraceContext | None, now: float) -> None:
        """Counts one duration; `trace`, when sampled, becomes the exemplar. `now` is Unix time."""
        self._sum(seconds)
        bucket = bisect_left(self._bounds, seconds)
        self._buckets[bucket](1)
        if trace is not None and trace.sampled:
            self._series.offer(bucket, seconds, trace.trace_id, now)


class TimerFamily(Family):
    """A histogram family of durations, with exemplars."""

    __slots__ = ("_timers",)

    def __init__(self, metric: Metric, collector: Any) -> None:
        super().__init__(metric, collector)
        self._timers: dict[tuple[str, ...], Timer] = {}

    def timer(self, *values: str) -> Timer:
        """The timer of a label set."""
        return self._timers.get(values) or self._bind(values)

    def _bind(self, values: tuple[str, ...]) -> Timer:
        timer = Timer(self.child(*values))
        if values in self._children:
            self._timers[values] = timer
        return timer


def adder(child: Counter | Gauge) -> Add:
    """The child's `inc` without its checks of label names, sign and exemplar."""
    add: Add = child._value.inc  # noqa: SLF001 - half of inc()'s cost is its checks
    return add


def family(metric: Metric) -> Family:
    """The family of `metric`: registered now, or whoever registered that name with the same labels before.

    Raises:
        ValueError: when the name is taken by something else.
    """
    return Family(metric, _collector(metric))


def timer_family(metric: Metric) -> TimerFamily:
    """As `family`, for a histogram of durations."""
    return TimerFamily(metric, _collector(metric))


def label_value(value: str) -> str:
    """`value` as it may be exposed: without surrogates and control characters, and short."""
    if len(value) <= MAX_LABEL_LENGTH and value.isascii() and value.isprintable():
        return value
    cut = value[:MAX_LABEL_LENGTH].encode("utf-8", "replace").decode()
    return _CONTROL.sub("?", cut)


_KINDS: dict[str, type[Counter | Gauge | Histogram]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": Histogram,
}


def _collector(metric: Metric) -> Any:
    found: Collector | None = REGISTRY._names_to_collectors.get(_exposed(metric))  # noqa: SLF001
    if found is None:
        return _register(metric)
    same = isinstance(found, _KINDS[metric.kind]) and tuple(found._labelnames) == metric.labels  # noqa: SLF001
    if not same:
        raise ValueError(f"{metric.name} is registered by another library, in another form: {found!r}")
    return found


def _exposed(metric: Metric) -> str:
    return metric.total if metric.kind == "counter" else metric.name


def _register(metric: Metric) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.help, metric.labels)
    if metric.kind == "gauge":
        newest = metric is TELEMETRY_LAST_SUCCESS
        mode: Any = "max" if newest else "livesum"
        return Gauge(metric.name, metric.help, metric.labels, multiprocess_mode=mode)
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets or ())


def _overflow(name: str) -> None:
    family(METRIC_OVERFLOW).child(name).inc()
