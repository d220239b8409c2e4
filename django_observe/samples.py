"""What stands on /metrics at a moment, for tests: how much of it grew, and that its name is one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by the sample's name and labels."""

_ENDINGS: Final = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
    "info": ("_info",),
}
"""Of samples' names, by the kind of their family; others are called as the family is."""


def taken() -> Samples:
    """All samples as they are now."""
    from prometheus_client import REGISTRY

    from django_observe import metrics

    metrics.mirror()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }


def grown(before: Samples, after: Samples, name: str, labels: dict[str, str]) -> float:
    """By how much the samples called `name` that have `labels` grew, all together.

    Raises:
        LookupError: when no family has such a sample, so that it could never grow.
    """
    if not any(name == found for samples in (before, after) for found, _ in samples):
        _check(name)
    return _total(after, name, labels) - _total(before, name, labels)


def _total(samples: Samples, name: str, labels: dict[str, str]) -> float:
    wanted = {(label, str(value)) for label, value in labels.items()}
    return sum(value for (found, its), value in samples.items() if found == name and wanted <= its)


def _check(name: str) -> None:
    known = set(_names())
    if name in known:  # of a family that has no label set yet
        return
    near = difflib.get_close_matches(name, known, n=3)
    meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Import what registers it."
    raise LookupError(
        f"Nothing on /metrics is called {name!r}; accepted is a sample's name as the page writes it: a "
        f"counter's with _total, a histogram's with _count, _sum or _bucket. {meant}"
    )


def _names() -> Iterator[str]:
    """The names of samples that are there, or will be once something is observed."""
    from prometheus_client import REGISTRY

    from django_observe.metricset import ALL_FAMILIES

    families = [(family.name, family.type) for family in REGISTRY.collect()]
    for name, kind in families + [(ours.name.removesuffix("_total"), ours.kind) for ours in ALL_FAMILIES]:
        for ending in _ENDINGS.get(kind, ("",)):
            yield name + ending
