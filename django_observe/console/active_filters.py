"""The filters that are on, each with the query that takes it off: what the chips above a list show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict

from django_observe.console.formatting import visible


class ActiveFilter(NamedTuple):
    """`without` is the query string that leaves it out."""

    text: str
    without: str


def active_filters(parameters: QueryDict, labels: Mapping[str, str]) -> list[ActiveFilter]:
    """Of the parameters that `labels` names; a label ends where the value begins."""
    pairs = [(name, value) for name in parameters for value in parameters.getlist(name) if value.strip()]
    return [
        ActiveFilter(
            visible(f"{labels[name]}{value}"[:200]),
            urlencode([pair for pair in pairs if pair != (name, value) and pair[0] != "before"]),
        )
        for name, value in pairs
        if name in labels
    ]


def query_with(parameters: QueryDict, **changes: str) -> str:
    """The query string with some parameters set anew, or left out when empty; always from the first page."""
    left_out = {"before", *changes}
    pairs = [
        (name, value)
        for name in parameters
        if name not in left_out
        for value in parameters.getlist(name)
        if value
    ]
    return urlencode([*pairs, *((name, value) for name, value in changes.items() if value)])
