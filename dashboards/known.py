"""Which series and labels there are to be asked for: a query about any other is a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from dashboards import rules, scrape, stackmetrics
from dashboards.reading import Reader
from dashboards.rules.pace import Pace
from dashboards.rules.rule import Record
from django_observe.metricset import ALL_FAMILIES
from django_observe.vocabulary import Metric

_SCRAPED: Final = (scrape.JOB, scrape.INSTANCE)
_SPAN_SERIES: Final = {
    scrape.SPAN_CALLS: scrape.SPAN_LABELS,
    scrape.SPAN_DURATION_BUCKET: (*scrape.SPAN_LABELS, scrape.LE),
}


def _samples(metric: Metric) -> Iterator[tuple[str, tuple[str, ...]]]:
    if metric.kind == "histogram":
        yield metric.bucket, (*metric.labels, scrape.LE)
        yield metric.count, metric.labels
        yield metric.sum, metric.labels
    else:
        yield metric.total if metric.kind == "counter" else metric.name, metric.labels


def _ours() -> Iterator[tuple[str, frozenset[str]]]:
    for metric in ALL_FAMILIES:
        for name, labels in _samples(metric):
            yield name, frozenset((*labels, *scrape.TARGET_LABELS))


def _of_scraping() -> Iterator[tuple[str, frozenset[str]]]:
    for name in (scrape.UP, scrape.SCRAPE_DURATION, scrape.SCRAPE_SAMPLES, scrape.SCRAPE_SERIES_ADDED):
        yield name, frozenset(scrape.TARGET_LABELS)
    for name in (scrape.ALERTS, scrape.ALERTS_FOR_STATE):
        yield name, frozenset((*scrape.ALERTS_LABELS, scrape.SERVICE, scrape.ENVIRONMENT))
    for name, labels in _SPAN_SERIES.items():
        yield name, frozenset((*labels, *_SCRAPED))


def _of_the_stack() -> Iterator[tuple[str, frozenset[str]]]:
    """A series that several programs have is known once: its labels are those of scraping."""
    for series in stackmetrics.SERIES.values():
        for name, labels in series.items():
            yield name, frozenset((*labels, *_SCRAPED))


def _with_recorded(scraped: dict[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """The same and what rules record, in the rules' order: later ones are made of earlier ones."""
    found = dict(scraped)
    for group in rules.recording(Pace(1)):
        for rule in group.rules:
            if isinstance(rule, Record):
                labels = Reader(found).read(rule.expr) | rule.labels.keys()
                found[rule.name] = found.get(rule.name, frozenset()) | labels
    return found


@lru_cache(maxsize=1)
def series() -> Mapping[str, frozenset[str]]:
    """Every series that may be asked for, with its labels."""
    return _with_recorded({**dict(_of_the_stack()), **dict(_of_scraping()), **dict(_ours())})


def faults(expression: str) -> list[str]:
    """What is wrong with a PromQL expression: it does not parse, or asks for what does not exist."""
    reader = Reader(series())
    try:
        reader.read(expression)
    except ValueError as error:
        return [f"does not parse: {error}"]
    return reader.faults
