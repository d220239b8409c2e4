"""django-prometheus' request middlewares in the project: what they count, we leave to them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from django.utils.module_loading import import_string

from django_observe import conf
from django_observe.reporting import guard


@dataclass(frozen=True, slots=True)
class Superseded:
    """Entries of MIDDLEWARE that count into the same families as we do: they can be removed."""

    paths: tuple[str, ...] = ()
    before: bool = False
    """Whether one of them is, or extends, PrometheusBeforeMiddleware."""
    after: bool = False


def superseded() -> Superseded:
    """What MIDDLEWARE has of them; imports neither django_prometheus nor prometheus_client if it has none."""
    classes = _classes()
    theirs = sys.modules.get("django_prometheus.middleware")
    if theirs is None:
        return Superseded()
    known = (theirs.PrometheusBeforeMiddleware, theirs.PrometheusAfterMiddleware)
    found = {path: middleware for path, middleware in classes.items() if issubclass(middleware, known)}
    before, after = (any(issubclass(each, parent) for each in found.values()) for parent in known)
    return Superseded(tuple(found), before, after)


def _classes() -> dict[str, type]:
    found = {}
    for path in conf.middleware():
        with guard("superseded"):
            middleware = import_string(path)
            if isinstance(middleware, type):
                found[path] = middleware
    return found
