"""Which observation lies on a request, if what is called one is a request that is observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_observe.reporting import guard

if TYPE_CHECKING:
    from django_observe.observation import Observation

MARK = "_django_observe"
"""Attribute of an HttpRequest while Django works on it."""


def observation_of(request: object) -> Observation | None:
    """The observation of `request`; None of whatever else may be in its place.

    A mock has every attribute, and a proxy without what it stands for raises at each.
    """
    if request is None:
        return None
    with guard("observation"):
        found = getattr(request, MARK, None)
        if found is not None:
            from django_observe.observation import Observation

            return found if issubclass(type(found), Observation) else None
    return None
