"""Time axis with silences left out, and the stretches it is made from."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_observe.console import intervals
from django_observe.console.broken_axis import BrokenAxis

STRETCHES = st.lists(
    st.tuples(st.integers(0, 10**12), st.integers(0, 10**10)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    min_size=1,
    max_size=40,
)


def test_without_silences_it_is_linear() -> None:
    axis = BrokenAxis([(0, 60), (50, 100)])
    assert not any(one.left_out for one in axis.stretches)
    assert axis.at(50) == pytest.approx(50, abs=0.1)
    assert axis.at(25) == pytest.approx((axis.at(0) + axis.at(50)) / 2, abs=0.1)


def test_a_long_silence_has_a_fixed_width_and_tells_its_length() -> None:
    second = 10**9
    axis = BrokenAxis([(0, second), (100 * second, 101 * second)])
    (gap,) = [one for one in axis.stretches if one.left_out]
    assert gap.text == "1 min 39 s"
    assert gap.width == pytest.approx(5.5)
    assert axis.at(second) - axis.at(0) == pytest.approx(
        axis.at(101 * second) - axis.at(100 * second), abs=0.1
    )


def test_moments_alone_have_an_axis() -> None:
    axis = BrokenAxis([(5, 5)])
    assert axis.at(5) == pytest.approx(axis.stretches[0].x)
    assert [tick.text for tick in axis.ticks] == ["0"]


@given(STRETCHES)
def test_order_is_kept_and_everything_lies_within(stretches: list[tuple[int, int]]) -> None:
    axis = BrokenAxis(stretches)
    moments = sorted(moment for stretch in stretches for moment in stretch)
    places = [axis.at(moment) for moment in moments]
    assert all(0 <= one <= other <= 100 for one, other in itertools.pairwise(places))
    assert all(0 <= tick.x <= 100 for tick in axis.ticks)
    assert sum(one.left_out for one in axis.stretches) <= 10


@given(STRETCHES, STRETCHES)
def test_what_is_taken_away_and_what_is_left_make_up_the_whole(
    whole: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    left = intervals.without(whole, taken)
    both = intervals.union([*whole, *taken])
    assert intervals.length(left) + intervals.length(intervals.union(taken)) == intervals.length(both)
    assert all(one[1] < other[0] or one[1] == other[0] for one, other in itertools.pairwise(left))
    joined = intervals.union(whole)
    span = joined[-1][1] - joined[0][0]
    assert intervals.length(joined) + intervals.length(intervals.gaps(joined)) == span


def test_ticks_leave_room_for_their_texts_up_to_the_end_and_some_are_for_narrow_windows() -> None:
    axis = BrokenAxis([(0, 47_600_000)])
    places = [tick.x for tick in axis.ticks]
    assert all(other - one >= 6 for one, other in itertools.pairwise(places))
    assert places[-1] <= 93
    narrow = [tick.x for tick in axis.ticks if tick.narrow]
    assert len(narrow) >= 3
    assert all(other - one >= 24 for one, other in itertools.pairwise(narrow))
