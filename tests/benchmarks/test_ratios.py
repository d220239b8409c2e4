"""The judgement of the latency benchmark, on figures of known distribution."""

from __future__ import annotations

from random import Random

import pytest

from tests.benchmarks.latency import Span, blocks_of
from tests.benchmarks.ratios import Block, ratio
from tests.load import Answered


def block(factor: float, random: Random) -> Block:
    """Five slices of 100 requests on each side, with the long tail that latencies have."""

    def slices(scale: float) -> list[list[float]]:
        return [[random.lognormvariate(-5, 0.4) * scale for _ in range(100)] for _ in range(5)]

    return Block(slices(1), slices(factor), slices(1))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_the_interval_holds_the_true_ratio(factor: float, share: float) -> None:
    random = Random(1)
    found = ratio([block(factor, random) for _ in range(4)], share, random, 200)
    assert found.low < factor < found.high
    assert found.high - found.low < (0.1 if share == 0.5 else 0.4) * factor


def test_a_block_is_compared_with_those_beside_it() -> None:
    spans = [Span(mode, at, at + 2) for at, mode in enumerate(["ok", "hang", "ok", "302", "ok"])]
    spans = [Span(span.mode, 10 * span.start, 10 * span.start + 2) for span in spans]
    answers = [Answered(at / 2, at, 200) for at in range(100)]
    blocks = blocks_of(spans, answers)
    assert blocks["302"] == [Block([[40, 41], [42, 43]], [[60, 61], [62, 63]], [[80, 81], [82, 83]])]
    assert blocks["hang"][0].after == blocks["302"][0].before
