"""Stretches of time as (start, end) in nanoseconds: joined, taken away from one another, measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """In order and without overlap; stretches that touch become one."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What of `intervals` lies in none of `taken`."""
    cuts = union(taken)
    left: list[Interval] = []
    for start, end in union(intervals):
        at = start
        for cut_start, cut_end in cuts:
            if cut_end <= at or cut_start >= end:
                continue
            if cut_start > at:
                left.append((at, cut_start))
            at = max(at, cut_end)
        if at < end:
            left.append((at, end))
    return left


def gaps(joined: Sequence[Interval]) -> list[Interval]:
    """What lies between the stretches that `union` returned."""
    return [(one[1], other[0]) for one, other in itertools.pairwise(joined)]


def touch(one: Interval, other: Interval) -> bool:
    """Whether they have a moment in common."""
    return one[0] <= other[1] and other[0] <= one[1]


def length(joined: Iterable[Interval]) -> int:
    """Nanoseconds in all."""
    return sum(end - start for start, end in joined)
