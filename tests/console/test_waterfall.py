"""Tree and geometry of a trace, from plain rows: no Django, no store."""

from __future__ import annotations

from typing import Any

import pytest

from django_observe.console import hues, waterfall
from django_observe.console.formatting import duration, offset, visible
from django_observe.console.scale import Bar, Scale
from tests.calls import calls
from tests.console.rows import CONSUMER, MS, PRODUCER, log, span


def shape(spans: list[dict[str, Any]], logs: list[dict[str, Any]] | None = None) -> list[tuple[int, str]]:
    built = waterfall.build(spans, logs or [], {})
    return [(line.indent, line.text) for line in built.lines if line.kind != "gap"]


def test_children_and_log_lines_lie_under_their_span_by_time() -> None:
    spans = [
        span("late", "root", 50),
        span("early", "root", 5),
        span("root", length=100),
        span("leaf", "early", 6),
    ]
    logs = [log("between", "root", 20), log("inside", "early", 7), log("last", "root", 99)]
    assert shape(spans, logs) == [
        (0, "root"),
        (1, "early"),
        (2, "leaf"),
        (2, "inside"),
        (1, "between"),
        (1, "late"),
        (1, "last"),
    ]


def chain(length: int) -> list[dict[str, Any]]:
    """Spans ten levels deep, of which no two fold."""
    return [span(f"s{number}", f"s{number // 10}" if number else "", number) for number in range(length)]


def test_four_times_the_spans_are_four_times_the_work() -> None:
    """How long a page of 2,000 takes, `make bench-console` measures."""
    some, more = chain(500), chain(2_000)
    work = calls(lambda: waterfall.build(some, [], {}))
    assert calls(lambda: waterfall.build(more, [], {})) < 4.4 * work


def test_spans_without_their_parent_hang_under_a_missing_line() -> None:
    built = waterfall.build([span("a", "gone", 5), span("b", "gone", 2), span("c", "other", 9)], [], {})
    assert [(line.kind, line.indent) for line in built.lines] == [
        ("missing", 0),
        ("span", 1),
        ("span", 1),
        ("missing", 0),
        ("span", 1),
    ]


@pytest.mark.parametrize(
    "spans",
    [
        [span("a", "b", 1), span("b", "a", 2)],
        [span("a", "a")],
        [span("a", "c", 1), span("b", "a", 2), span("c", "b", 3), span("d", "b", 4)],
        [span("root"), span("a", "b", 1), span("b", "a", 2)],
    ],
)
def test_cycles_are_cut_and_every_span_is_shown_once(spans: list[dict[str, Any]]) -> None:
    shown = [line.text for line in waterfall.build(spans, [], {}).lines]
    assert sorted(shown) == sorted(one["name"] for one in spans)


def test_log_lines_of_unknown_spans_are_shown_last() -> None:
    built = waterfall.build([span("root")], [log("lost", "nowhere", 3), log("found", "root", 4)], {})
    assert [line.kind for line in built.lines] == ["span", "log", "unattached", "log"]


def test_a_chain_of_ten_thousand_spans_needs_no_recursion() -> None:
    chain = [span(str(depth), str(depth - 1) if depth else "", depth) for depth in range(10_000)]
    lines = waterfall.build(chain, [], {}).lines
    assert len(lines) == 10_000
    assert max(line.indent for line in lines) == 12


def test_bars_are_percent_of_the_timeline() -> None:
    built = waterfall.build(
        [span("root", length=200), span("half", "root", 50, 100)], [log("l", "root", 150)], {}
    )
    bars = {line.text: (line.bar.x, line.bar.width) for line in built.lines if line.bar}
    assert (bars["root"], bars["half"], bars["l"]) == ((0, 100), (25, 50), (75, 0))


@pytest.mark.parametrize(
    ("length", "ticks"),
    [
        (200, ["0", "50 ms", "100 ms", "150 ms"]),
        (338, ["0", "100 ms", "200 ms", "300 ms"]),
        (1_240, ["0", "500 ms", "1 s"]),
        (0.009, ["0", "2 µs", "4 µs", "6 µs", "8 µs"]),
    ],
)
def test_ticks_are_round_times(length: float, ticks: list[str]) -> None:
    assert [text for _, text in Scale([span("root", length=length)], []).ticks()] == ticks


def test_a_zoomed_scale_cuts_bars_and_keeps_times_from_the_start() -> None:
    scale = Scale([span("root", length=200)], [], (100_000, 150_000))
    assert scale.ticks() == [(0, "100 ms"), (20, "110 ms"), (40, "120 ms"), (60, "130 ms"), (80, "140 ms")]
    assert scale.bar(0, 200 * MS) == Bar(0, 100)
    assert scale.bar(125 * MS, 150 * MS) == Bar(50, 50)
    assert scale.bar(0, 99 * MS) is None
    assert scale.mark(99 * MS) is None
    assert scale.mark(110 * MS) == Bar(20, 0)
    assert not Scale([span("root", length=200)], [], (300_000, 400_000)).zoomed


def test_odd_clocks_of_log_lines_do_not_stretch_the_timeline() -> None:
    built = waterfall.build([span("root", start=1000, length=10)], [log("old", "root", 1)], {})
    assert built.duration_ns == 10 * MS
    assert [line.bar.x for line in built.lines if line.bar] == [0, 0]


def test_waiting_in_the_queue_is_a_bar_of_its_own() -> None:
    spans = [span("publish", length=10, kind=PRODUCER), span("run", "publish", 60, 40, kind=CONSUMER)]
    run = waterfall.build(spans, [], {}).lines[1]
    assert run.wait == Bar(10, 50)
    assert run.wait_text == "50.0 ms"
    early = waterfall.build(
        [span("publish", length=10, kind=PRODUCER), span("run", "publish", 5, kind=CONSUMER)], [], {}
    ).lines[1]
    assert early.wait is None


def test_every_service_has_its_own_hue_while_there_are_enough() -> None:
    names = [f"service-{number}" for number in range(12)]
    assigned = hues.assign(names)
    assert sorted(assigned.values()) == list(range(12))
    assert hues.assign(names[:5]) == {name: assigned[name] for name in names[:5]}
    assert set(hues.assign([*names, "one more"]).values()) == set(range(12))


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (85_200, "85.2 µs"),
        (412 * MS, "412 ms"),
        (1_240 * MS, "1.24 s"),
        (185_000 * MS, "3 min 05 s"),
    ],
)
def test_durations_have_three_figures(ns: int, text: str) -> None:
    assert duration(ns) == text
    assert offset(-ns) == (f"-{text}" if ns else f"+{text}")


def test_unseen_characters_are_shown_as_escapes() -> None:
    assert visible("a\u202eb\x07\x1b[31mred\x1b[0m\nnext") == "a\\u202eb\\u0007red\nnext"
