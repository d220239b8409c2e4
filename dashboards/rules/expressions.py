"""Pieces of PromQL that several rules share."""

from __future__ import annotations

from typing import Final

from dashboards.promql import aggregate, increase
from dashboards.scrape import ENVIRONMENT, INSTANCE, JOB, SERVICE, UP

SERVICE_KEYS: Final = (SERVICE, ENVIRONMENT)
"""What tells one service from another."""


def on(*labels: str) -> str:
    """The matching clause of a binary operator."""
    return f"on ({', '.join(labels)})"


def group_by(expression: str, *labels: str) -> str:
    """1 for each of the label sets that `expression` has."""
    return aggregate("group", expression, *labels)


def earlier(function: str, series: str, window: str, offset: str) -> str:
    """A function over a window that ended `offset` ago."""
    return f"{function}({series}[{window}] offset {offset})"


def growth(series: str, window: str, *labels: str) -> str:
    """By how much counters grew within `window`, birth included.

    A counter that appears with its first event has no increase by `rate()`'s reckoning
    (https://github.com/prometheus/prometheus/issues/1673). What a new target counts, or one that could not
    be scraped then, may be old and does not count as born.
    """
    there = f"{on(JOB, INSTANCE)} ({UP} offset {window} == 1)"
    born = f"(({series} unless {series} offset {window}) and {there})"
    return f"sum by ({', '.join(labels)}) (\n  {born}\n  or\n  {increase(series, window)}\n)"


def grown(series: str, window: str, *labels: str) -> str:
    """The label sets of counters that grew within `window`, and by how much."""
    return f"{growth(series, window, *labels)} > 0"


def renamed(expression: str, label: str, source: str, regex: str = "(.+)") -> str:
    """`expression` with `label` made of the first group of `regex` in `source`."""
    return f'label_replace(\n{expression},\n"{label}", "$1", "{source}", "{regex}"\n)'
