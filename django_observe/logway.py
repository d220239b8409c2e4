"""The way of a record: from its logger up to where it ends, and who stands there for all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django_observe.serverlogs import LOGGERS

SERVERS = frozenset({"django.server", *LOGGERS})
"""Whose lines go to their own streams alone, where they have handlers of their own."""


class Exporter(logging.Handler):
    """A handler that sends records away, beside those that write them: no logger is heard for having it."""


def way(logger: logging.Logger) -> Iterator[logging.Logger]:
    """The loggers whose handlers a record of `logger` is offered to; ours are kept apart from those above."""
    heard: logging.Logger | None = logger
    while heard is not None:
        yield heard
        ends = not heard.propagate or "callHandlers" in heard.__dict__
        heard = None if ends else heard.parent


def writes(logger: logging.Logger) -> bool:
    """Whether it has a handler of its own that writes."""
    return any(
        type(each) is not logging.NullHandler and not isinstance(each, Exporter) for each in logger.handlers
    )


def declines(logger: logging.Logger) -> bool:
    """Whether its lines are for its own handlers alone: a NullHandler beside them says so.

    One that LOGGING names; libraries give their loggers another, without a name, as they are imported.
    """
    return any(type(each) is logging.NullHandler and each.name for each in logger.handlers)


def known() -> list[logging.Logger]:
    """Every logger there is, but root."""
    found = list(logging.root.manager.loggerDict.values())
    return [each for each in found if isinstance(each, logging.Logger)]


def ends() -> tuple[logging.Logger, ...]:
    """The loggers whose handlers together see every line once; one that is written nowhere they do not see.

    It is root, and on a way that does not reach it the last logger that writes.
    """
    root = logging.getLogger()
    found = {root: None}
    for logger in known():
        passed = list(way(logger))
        last = next(filter(writes, reversed(passed)), None)
        if passed[-1] is root or last is None or last.name in SERVERS:
            continue
        if not any(map(declines, passed)):
            found[last] = None
    return tuple(found)
