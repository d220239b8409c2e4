"""Bars of the time line: where labels stand, and what of them a narrow window shows."""

from __future__ import annotations

from django_observe.console.bars import bar_of
from django_observe.console.broken_axis import BrokenAxis
from django_observe.console.step import Step

AXIS = BrokenAxis([(0, 1000)])


def task(start: int, end: int, queued: int) -> Step:
    return Step(
        id="t", kind="task", service="s", lane="s", name="order_created", start_ns=start, end_ns=end,
        trace_id="", queued=(queued, start),
    )  # fmt: skip


def test_a_label_before_a_bar_stands_before_its_wait_where_there_is_room() -> None:
    bar = bar_of(task(960, 1000, 700), AXIS)
    assert bar.label_left
    assert bar.queued
    assert bar.label_x == bar.queued.x
    assert bar.left < bar.queued.x
    crowded = bar_of(task(960, 1000, 20), AXIS)
    assert crowded.label_x == crowded.x


def test_a_narrow_window_shows_the_name_alone_where_the_whole_label_has_no_room() -> None:
    wide, middling, slim = (bar_of(task(0, end, 0), AXIS) for end in (900, 400, 200))
    assert (wide.head, wide.tail, wide.slim) == ("order_created 900 ns", "", False)
    assert (middling.head, middling.tail, middling.slim) == ("order_created", " 400 ns", False)
    assert slim.label_x is None
    assert slim.slim


def test_a_label_stands_within_its_bar_only_where_a_window_of_1100_pixels_has_room() -> None:
    """The picture is 800 pixels wide there, a letter 6.4 and the mark 22."""
    for end in range(20, 1001, 20):
        bar = bar_of(task(0, end, 0), AXIS)
        assert bar.label_x is not None or bar.width * 8 >= len(bar.label) * 6.4 + 18
