"""How much slower one thing is than another, with the interval that the noise leaves."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

Slices = Sequence[Sequence[float]]
"""Measurements of a block in slices of a second: neighbours in time are alike, a slice is drawn whole."""


class Block(NamedTuple):
    """One block of a mode between two of the reference, all in the same minute."""

    before: Slices
    own: Slices
    after: Slices


class Ratio(NamedTuple):
    """A quantile of the mode and of its reference, their ratio, and the 95 % interval of that."""

    reference: float
    own: float
    value: float
    low: float
    high: float


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of all is not above."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def ratio(blocks: Sequence[Block], share: float, random: Random, resamples: int = 1_000) -> Ratio:
    """The ratio of the quantiles of all blocks; its interval is bootstrapped over slices, block by block."""
    reference = quantile(_pooled([side for block in blocks for side in (block.before, block.after)]), share)
    own = quantile(_pooled([block.own for block in blocks]), share)
    drawn = sorted(_drawn(blocks, share, random) for _ in range(resamples))
    return Ratio(
        reference, own, own / reference, drawn[int(0.025 * resamples)], drawn[int(0.975 * resamples)]
    )


def _drawn(blocks: Sequence[Block], share: float, random: Random) -> float:
    own = [random.choices(block.own, k=len(block.own)) for block in blocks]
    sides = [side for block in blocks for side in (block.before, block.after)]
    reference = [random.choices(side, k=len(side)) for side in sides]
    return quantile(_pooled(own), share) / quantile(_pooled(reference), share)


def _pooled(many: Sequence[Slices]) -> list[float]:
    return [value for slices in many for each in slices for value in each]
