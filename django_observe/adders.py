"""What adds to prometheus_client's values, without a call and a lock for each. Imports that library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from prometheus_client.values import MutexValue

from django_observe import counting

Add: TypeAlias = Callable[[float], None]


def adder_to(values: Sequence[Any]) -> Add:
    """What adds to each of `values`, and takes no lock to do so where no other process shares them.

    Such a value gets the lock that is held already in place of its own, which `inc` would take for each of a
    request's 18 values (saves 38k of 79k instructions); whoever else adds to it takes that one, too.
    """
    if not are_owned(values):
        return _together([value.inc for value in values])
    return _growing(values)


def are_owned(values: Sequence[Any]) -> bool:
    """Whether no other process shares them: then they may grow in place, under the one lock."""
    if not all(type(value) is MutexValue for value in values):
        return False
    for value in values:
        value._lock = counting.lock  # noqa: SLF001
    return True


def _growing(values: Sequence[Any]) -> Add:
    if len(values) == 1:
        (only,) = values

        def grow_one(amount: float) -> None:
            only._value += amount  # noqa: SLF001

        return grow_one

    def grow(amount: float) -> None:
        for value in values:
            value._value += amount  # noqa: SLF001

    return grow


def _together(adds: Sequence[Add]) -> Add:
    if len(adds) == 1:
        return adds[0]

    def add_to_each(amount: float) -> None:
        for add in adds:
            add(amount)

    return add_to_each
