"""What can be broken on purpose, by FAULTS_BREAK, to see that the tests notice: see test_broken.py."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.faults.breakages import delivery, privacy, process_life, shared_values, strangers

BREAKAGES: dict[str, Callable[[], None]] = {
    **delivery.BREAKAGES,
    **process_life.BREAKAGES,
    **strangers.BREAKAGES,
    **privacy.BREAKAGES,
    **shared_values.BREAKAGES,
}
"""By its name on the page; the function patches the package, before django_observe is set up in a program."""


def apply() -> None:
    """Breaks what is asked for; without the variable, nothing."""
    name = os.environ.get("FAULTS_BREAK")
    if name:
        BREAKAGES[name]()
