"""PromQL composed of small pure functions: names come from the vocabulary, so renames reach every query."""

from __future__ import annotations

from typing import Final

from dashboards.scrape import LE

RATE_INTERVAL: Final = "$__rate_interval"
"""Grafana's window that always spans enough scrapes; rules give a fixed one."""
RANGE: Final = "$__range"
"""The time range the reader chose."""

_GRAFANA: Final = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$__interval": "1m",
    "$__auto": "1m",
}


def quoted(value: str) -> str:
    """A PromQL string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def eq(label: str, value: str) -> str:
    """The matcher `label="value"`."""
    return f"{label}={quoted(value)}"


def ne(label: str, value: str) -> str:
    """The matcher `label!="value"`."""
    return f"{label}!={quoted(value)}"


def like(label: str, regex: str) -> str:
    """The matcher `label=~"regex"`; Prometheus anchors it at both ends."""
    return f"{label}=~{quoted(regex)}"


def unlike(label: str, regex: str) -> str:
    """The matcher `label!~"regex"`."""
    return f"{label}!~{quoted(regex)}"


def selector(name: str, *matchers: str) -> str:
    """The series of that name which all matchers accept."""
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def rate(series: str, window: str = RATE_INTERVAL) -> str:
    """Per second, over `window`."""
    return f"rate({series}[{window}])"


def increase(series: str, window: str = RANGE) -> str:
    """By how much counters grew within `window`."""
    return f"increase({series}[{window}])"


def over_time(function: str, series: str, window: str = RATE_INTERVAL) -> str:
    """One of the `..._over_time` functions, e.g. `max`; a compound expression becomes a subquery."""
    plain = series.endswith("}") or series.replace(":", "_").isidentifier()
    inner = series if plain else f"({series})"
    return f"{function}_over_time({inner}[{window}{'' if plain else ':'}])"


def aggregate(operator: str, expression: str, *labels: str, argument: str = "") -> str:
    """An aggregation; without labels everything becomes one series. `argument` is topk's."""
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{operator}{by} ({argument + ', ' if argument else ''}{expression})"


def sum_by(expression: str, *labels: str) -> str:
    """The sum, kept apart by `labels`."""
    return aggregate("sum", expression, *labels)


def max_by(expression: str, *labels: str) -> str:
    """The greatest, kept apart by `labels`."""
    return aggregate("max", expression, *labels)


def min_by(expression: str, *labels: str) -> str:
    """The least, kept apart by `labels`."""
    return aggregate("min", expression, *labels)


def count_by(expression: str, *labels: str) -> str:
    """How many series there are, kept apart by `labels`."""
    return aggregate("count", expression, *labels)


def top(number: int, expression: str) -> str:
    """The `number` greatest series."""
    return aggregate("topk", expression, argument=str(number))


def quantile(share: float, buckets: str, *labels: str) -> str:
    """The `share` quantile (0 to 1) of a histogram; `buckets` is the rate of its bucket series."""
    return f"histogram_quantile({share:g}, {sum_by(buckets, LE, *labels)})"


def ratio(part: str, whole: str) -> str:
    """`part / whole`, both in brackets."""
    return f"({part}) / ({whole})"


def part_or_zero(part: str, whole: str) -> str:
    """`part`, and 0 where only `whole` has series: errors have none before the first one."""
    return f"(({part}) or ({whole}) * 0)"


def error_ratio(part: str, whole: str) -> str:
    """The share of `whole` that is `part`; 0 while `part` has no series yet."""
    return f"{part_or_zero(part, whole)} / ({whole})"


def concrete(expression: str) -> str:
    """The expression with Grafana's built-in intervals filled in, so that a parser or Prometheus takes it."""
    for name, value in _GRAFANA.items():
        expression = expression.replace(name, value)
    return expression


def names(expression: str) -> tuple[frozenset[str], frozenset[str]]:
    """The metric names and the label names an expression uses; ValueError when it does not parse."""
    from dashboards import reading

    return reading.names(expression)
