"""Dashboards published for django-prometheus and celery-exporter find all that they ask for, unchanged.

mixins.json has what their queries name, label_values included, but not labels that a query only wants absent
or makes itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from dashboards import scrape
from django_observe.metricset import ALL_FAMILIES
from django_observe.vocabulary import Metric

MIXINS: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("mixins.json").read_text())
BY_SCRAPING: Final = set(MIXINS.pop("added_by_scraping"))


def samples(metric: Metric) -> Iterator[tuple[str, set[str]]]:
    """The samples of a family as they are queried, with their labels."""
    labels = set(metric.labels)
    if metric.kind == "histogram":
        yield from ((metric.bucket, {*labels, "le"}), (metric.count, labels), (metric.sum, labels))
    else:
        yield metric.total if metric.kind == "counter" else metric.name, labels


SAMPLES: Final = dict(sample for metric in ALL_FAMILIES for sample in samples(metric))
ASKED: Final = [
    pytest.param(name, set(labels) - BY_SCRAPING, id=f"{mixin}-{name}")
    for mixin, asked in MIXINS.items()
    for name, labels in asked["metrics"].items()
]


@pytest.mark.parametrize(("name", "labels"), ASKED)
def test_what_a_mixin_asks_for_is_declared(name: str, labels: set[str]) -> None:
    assert labels <= SAMPLES[name]


def test_scraping_adds_the_other_labels() -> None:
    assert set(scrape.TARGET_LABELS) >= BY_SCRAPING
    assert BY_SCRAPING.isdisjoint(label for metric in ALL_FAMILIES for label in metric.labels)
