"""The long run runs, in short, and what leaks on purpose is found."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from tests.faults.guarantees import guarantee
from tests.faults.longrun import LEAK, PAGE, RATE, run, table
from tests.faults.page import block_of
from tests.faults.walk import CYCLE
from tests.faults.watched import Sample, slope, verdict, verdicts

STEP = 0.12
SECONDS = 12.0


@guarantee("long run", "a view that keeps 64 KB a request, threads and files is found")
def test_a_leak_on_purpose_is_found(record_property: Callable[[str, object], None]) -> None:
    found = run(SECONDS, STEP, LEAK)
    workers = [each for each in found.watched if each.name.startswith("gunicorn, process")]
    lines = [slope(each.since(found.started), found.period) for each in workers]
    told = [verdicts(each.since(found.started), found.period) for each in workers]
    total = sum(line.value for line in lines) / 60
    record_property("measured", f"{total:.0f} of {RATE * 64:.0f} KB a second")
    assert len(workers) == 2
    assert any(each.startswith("rss grows, threads grows, files grows") for each in told)
    assert RATE * 64 * 0.6 < total < RATE * 64 * 1.5
    assert not found.is_flat
    assert {answer.status for answer in found.answers} == {200}
    assert "gunicorn, process 2 |" in table(found)
    main = next(each for each in found.watched if each.name == "gunicorn, main process")
    assert "grows" not in verdicts(main.since(found.started), found.period)


def samples(size: Callable[[float], float]) -> list[Sample]:
    """Half an hour of them, five seconds apart."""
    return [Sample(at, size(at), 3, 7) for at in range(0, 1800, 5)]


def wave(at: float) -> float:
    """What the modes of a period do to memory."""
    return 90_000 + 2_000 * math.sin(at / 156 * 2 * math.pi) + 100 * math.sin(at * 7)


def test_what_comes_and_goes_with_the_modes_is_flat() -> None:
    found = slope(samples(wave), 156)
    assert verdict(found) == "flat"
    assert found.low < 0 < found.high


def test_what_grows_below_that_is_found() -> None:
    found = slope(samples(lambda at: wave(at) + at / 60 * 100), 156)
    assert verdict(found) == "grows"
    assert found.low < 100 < found.high


def test_a_peak_is_found() -> None:
    peak = samples(wave)
    peak[100] = peak[100]._replace(rss=120_000)
    assert verdicts(peak, 156) == "rss peaks"


def test_what_varies_too_much_is_not_called_flat() -> None:
    found = slope(samples(lambda at: 90_000 + 20_000 * math.sin(at / 700)), 156)
    assert verdict(found) != "flat"


def test_connections_that_come_and_go_are_no_growth_and_one_lost_now_and_then_is() -> None:
    steady = [Sample(at, 1, 3, 30 + round(3 * math.sin(at))) for at in range(0, 1800, 5)]
    assert verdicts(steady, 156) == "flat"
    lost = [sample._replace(files=sample.files + int(sample.at / 120)) for sample in steady]
    assert verdicts(lost, 156) == "files grows"


def test_the_cycle_is_well_between_two_failures() -> None:
    assert CYCLE[1::2] == ("ok",) * 13
    assert "ok" not in CYCLE[::2]


def test_the_page_says_that_all_was_flat() -> None:
    rows = re.findall(r"^\| (?:gunicorn|Celery), .*$", block_of(PAGE.read_text(), "long run"), re.MULTILINE)
    assert len(rows) == 6, "run `make longrun`"
    assert [row for row in rows if not row.endswith("| flat |")] == []
