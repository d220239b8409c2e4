"""The prometheus_client collectors behind the metric families: made on first use, and bounded.

Importing this module imports prometheus_client, which chooses there and then between values of one process
and of several (PROMETHEUS_MULTIPROC_DIR); so it is only imported when the first record is told.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from django_observe.adders import Add, adder_to
from django_observe.exemplars import Series
from django_observe.metricset import BOUNDED_LABELS, METRIC_OVERFLOW, TELEMETRY_LAST_SUCCESS
from django_observe.tracecontext import TraceContext
from django_observe.vocabulary import LabelValue, Metric

Bound = TypeVar("Bound")

MAX_LABEL_SETS = 1_000
"""Label sets of one family in one process; what comes later is folded into `other` and counted."""

MAX_LABEL_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Family:
    """A metric family with a bound on its label sets, which are kept as they are exposed: short."""

    __slots__ = ("_children", "_collector", "metric")

    def __init__(self, metric: Metric, collector: Any) -> None:
        self.metric = metric
        self._collector = collector
        self._children: dict[tuple[str, ...], Any] = {}

    def child(self, *values: str) -> Any:
        """The child of a label set; new values are made fit to be exposed, or folded if too many."""
        return self._children.get(values) or self._new(values)

    def counted(self, *values: str) -> Any:
        """The child of a label set that has one under just these values, else None."""
        return self._children.get(values)

    def _new(self, values: tuple[str, ...]) -> Any:
        if not values:
            return self._collector
        clean = tuple(label_value(value) for value in values)
        found = self._children.get(clean)
        if found is not None:
            return found
        if len(self._children) >= MAX_LABEL_SETS:
            _overflow(self.metric.name)
            folded = zip(self.metric.labels, clean, strict=True)
            return self._collector.labels(
                *(value if label in BOUNDED_LABELS else LabelValue.OTHER for label, value in folded)
            )
        child = self._children[clean] = self._collector.labels(*clean)
        return child


class Observer:
    """Observes into children of histograms: as their `observe`, by bisection and without its checks."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, *children: Histogram) -> None:
        """For `children` of the same buckets."""
        self._bounds = tuple(children[0]._upper_bounds)  # noqa: SLF001 - observe() searches them one by one
        self._sum = adder_to([child._sum for child in children])  # noqa: SLF001
        buckets = zip(*(child._buckets for child in children), strict=True)  # noqa: SLF001
        self._buckets = tuple(map(adder_to, buckets))

    def observe(self, value: float) -> None:
        """Counts one observation. Call it under `counting.lock`."""
        if value:
            self._sum(value)
        self._buckets[bisect_left(self._bounds, value)](1)


class Timer(Observer):
    """An Observer of durations that offers each as an exemplar of its bucket."""

    __slots__ = ("_series",)

    def __init__(self, *children: Histogram) -> None:
        super().__init__(*children)
        self._series = [_series(child, self._bounds) for child in children]

    def time(self, seconds: float, trace: TraceContext | None, now: float) -> None:
        """Counts one duration; `trace`, when sampled, becomes the exemplar. `now` is Unix time.

        Call it under `counting.lock`.
        """
        self._sum(seconds)
        bucket = bisect_left(self._bounds, seconds)
        self._buckets[bucket](1)
        if trace is not None and trace.sampled:
            self.offer(bucket, seconds, trace, now)

    def offer(self, bucket: int, seconds: float, trace: TraceContext, now: float) -> None:
        """Offers one duration that is counted, of a sampled trace, as the exemplar of its bucket."""
        for series in self._series:
            series.offer(bucket, seconds, trace.trace_id, now)


class BoundFamily(Family, Generic[Bound]):
    """A family whose label sets are each bound to what tells them (saves 6k of `inc()`'s 8k instructions)."""

    __slots__ = ("_bind", "_bound")

    def __init__(self, metric: Metric, collector: Any, bind: Callable[[Any], Bound]) -> None:
        super().__init__(metric, collector)
        self._bind = bind
        self._bound: dict[tuple[str, ...], Bound] = {}

    def bound(self, *values: str) -> Bound:
        """What `bind` has made of a label set. Use it under `counting.lock`."""
        return self._bound.get(values) or self._new_bound(values)

    def _new_bound(self, values: tuple[str, ...]) -> Bound:
        bound = self._bind(self.child(*values))
        if values in self._children:
            self._bound[values] = bound
        return bound


def adder(*children: Counter | Gauge) -> Add:
    """The children's `inc` without its checks of label names, sign and exemplar.

    Call it under `counting.lock`.
    """
    return adder_to([child._value for child in children])  # noqa: SLF001 - half of inc()'s cost is its checks


def timers(children: Iterable[Histogram]) -> tuple[Timer, ...]:
    """Timers that together time into all `children`: one for those whose buckets are the same."""
    alike: dict[tuple[float, ...], list[Histogram]] = {}
    for child in children:
        alike.setdefault(tuple(child._upper_bounds), []).append(child)  # noqa: SLF001
    return tuple(Timer(*each) for each in alike.values())


def family(metric: Metric) -> Family:
    """The family of `metric`: registered now, or whoever registered that name with the same labels before.

    Raises:
        ValueError: when the name is taken by something else.
    """
    return Family(metric, _collector(metric))


def counter_family(metric: Metric) -> BoundFamily[Add]:
    """As `family`, for a counter: bound to what adds."""
    return BoundFamily(metric, _collector(metric), adder)


def timer_family(metric: Metric) -> BoundFamily[Timer]:
    """As `family`, for a histogram of durations, with exemplars."""
    return BoundFamily(metric, _collector(metric), Timer)


def label_value(value: str) -> str:
    """`value` as it may be exposed: without surrogates and control characters, and short."""
    if type(value) is not str:
        value = _exact(value)
    if len(value) <= MAX_LABEL_LENGTH and value.isascii() and value.isprintable():
        return value
    cut = value[:MAX_LABEL_LENGTH].encode("utf-8", "replace").decode()
    return _CONTROL.sub("?", cut)


def _exact(value: object) -> str:
    """The beginning of a text whose class may say anything of its length, its hash and its parts."""
    text = value if isinstance(value, str) else str(value)
    return str.__getitem__(text, slice(MAX_LABEL_LENGTH + 1))


_KINDS: dict[str, type[Counter | Gauge | Histogram]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": Histogram,
}


def _series(child: Histogram, bounds: tuple[float, ...]) -> Series:
    labels = dict(zip(child._labelnames, child._labelvalues, strict=True))  # noqa: SLF001
    return Series(child._name, labels, bounds)  # noqa: SLF001


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
