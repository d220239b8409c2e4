"""What can be broken on purpose, by CONFORMANCE_BREAK, to see that the table notices."""

from __future__ import annotations

import os

from django_observe import correlation, messages, taskheaders
from django_observe.binding import Binding
from django_observe.observation import Observation


def _forget_the_header() -> None:
    Observation.echo = lambda *_: None  # type: ignore[method-assign]


def _never_reset() -> None:
    correlation.reset = lambda token: None
    Binding.release = lambda self: None  # type: ignore[method-assign]


def _look_for_no_id() -> None:
    for each in (messages, taskheaders):
        vars(each)["identifier"] = lambda headers: None


BREAKAGES = {
    "the answer's header is forgotten": _forget_the_header,
    "the ID is never reset": _never_reset,
    "tasks do not look for their ID": _look_for_no_id,
}


def apply() -> None:
    """Breaks what is asked for; without the variable, nothing."""
    name = os.environ.get("CONFORMANCE_BREAK")
    if name:
        BREAKAGES[name]()
