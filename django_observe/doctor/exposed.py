"""The metrics page of a service as samples."""

from __future__ import annotations

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from django_observe import conf
from django_observe.doctor import asking
from django_observe.doctor.fetching import Answer

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
"""The form that has exemplars."""

Samples = dict[str, list[tuple[dict[str, str], float]]]
"""By name of the sample: labels and value of each."""


def read(url: str, path: str, accept: str = "*/*") -> Answer:
    """The page, asked for as Prometheus would, with METRICS_TOKEN where there is one. Raises FetchError."""
    token, told = conf.settings().metrics_token, {"Accept": accept}
    return asking.ask(url, path, {**told, "Authorization": f"Bearer {token}"} if token else told)


def samples_of(body: bytes) -> Samples:
    """What the page says; nothing where it is no exposition."""
    found: Samples = {}
    try:
        for family in text_string_to_metric_families(body.decode("utf-8", "replace")):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    except (ValueError, LookupError):  # the latter where a line ends too soon
        return {}
    return found
