"""The time range of a page's address."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from django.http import QueryDict

from django_observe.console import formatting, timerange


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:")
    opened.executescript("CREATE TABLE run(id, started_ns); INSERT INTO run VALUES(1, 5), (2, 700)")
    yield opened
    opened.close()


def test_without_a_range_everything_is_shown(connection: sqlite3.Connection) -> None:
    shown = timerange.of(QueryDict("q=words"), connection)
    assert (shown.since_ns, shown.until_ns, shown.query, shown.suffix) == (None, None, "", "")


@pytest.mark.parametrize(("name", "seconds"), [("5m", 300), ("15m", 900), ("1h", 3600), ("24h", 86400)])
def test_a_named_range_ends_now(connection: sqlite3.Connection, name: str, seconds: int) -> None:
    shown = timerange.of(QueryDict(f"range={name}"), connection)
    assert shown.since_ns is not None
    assert time.time_ns() - shown.since_ns == pytest.approx(seconds * 10**9, abs=10**9)
    assert (shown.until_ns, shown.moves, shown.suffix) == (None, True, f"?range={name}")


def test_since_the_last_start_is_the_latest_run(connection: sqlite3.Connection) -> None:
    shown = timerange.of(QueryDict("range=start"), connection)
    assert (shown.since_ns, shown.until_ns, shown.moves) == (700, None, False)


def test_from_and_to_are_milliseconds_or_what_a_form_sends(connection: sqlite3.Connection) -> None:
    shown = timerange.of(QueryDict("from=1767225600000&to=1767225601500"), connection)
    assert (shown.since_ns, shown.until_ns) == (1767225600 * 10**9, 1767225601500 * 10**6)
    assert shown.query == "from=1767225600000&to=1767225601500"
    with formatting.in_zone(timezone.utc):
        typed = timerange.of(QueryDict("from=2026-01-01T00:00&to="), connection)
    assert (typed.since_ns, typed.until_ns, typed.query) == (shown.since_ns, None, "from=1767225600000")
    local = datetime.fromisoformat("2026-01-01T00:00").astimezone().timestamp()
    assert timerange.of(QueryDict("from=2026-01-01T00:00"), connection).since_ns == int(local) * 10**9


@pytest.mark.parametrize(
    "query", ["range=1y", "from=yesterday", "to=-5", "from=2&to=1", "from=1%00", "from=٣", "to=" + "9" * 400]
)
def test_what_is_no_range_is_refused_by_name(connection: sqlite3.Connection, query: str) -> None:
    with pytest.raises(ValueError, match=r"=") as refused:
        timerange.of(QueryDict(query), connection)
    assert str(refused.value).startswith(query[: query.index("=") + 1])


@pytest.mark.parametrize("query", ["from=999999999999999", "to=9000-12-31T23:59", "from=0001-01-02T00:00Z"])
def test_far_times_stay_within_what_sqlite_can_compare(connection: sqlite3.Connection, query: str) -> None:
    shown = timerange.of(QueryDict(query), connection)
    [edge] = [one for one in (shown.since_ns, shown.until_ns) if one is not None]
    assert 0 <= edge < 2**63


def test_the_selector_keeps_the_filters_and_leaves_the_page_of_the_list() -> None:
    parameters = QueryDict("range=5m&where=a%3D1&where=b&before=77&from=1")
    choices = timerange.choices(parameters, timerange.TimeRange(1, None, "Last 5 min", "range=5m"))
    assert [choice.query for choice in choices][:2] == ["where=a%3D1&where=b", "where=a%3D1&where=b&range=5m"]
    assert [choice.label for choice in choices if choice.current] == ["Last 5 min"]


def test_the_label_has_the_day_unless_it_is_today(connection: sqlite3.Connection) -> None:
    now_ms = time.time_ns() // 10**6
    with formatting.in_zone(timezone.utc):
        assert timerange.of(QueryDict("from=1767225600000"), connection).label == "1 Jan 00:00 to now"
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d to now", timerange.of(QueryDict(f"from={now_ms}"), connection).label
        )
