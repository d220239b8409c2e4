"""The benchmark of scrubbing runs, and its texts are what they are called."""

from __future__ import annotations

from django_observe.redaction import scrub_text
from tests.benchmarks.scrubbing import KINDS, measured, table


def test_a_run_of_each_kind_gives_a_row() -> None:
    costs = [measured(kind, 1) for kind in ("a word", "a password")]
    assert all(cost.scrubbing > 0 and cost.encoding > 0 for cost in costs)
    rows = [row.split(" | ")[:2] for row in table(costs).splitlines()[-2:]]
    assert rows == [["| a word", "7"], ["| a password", "38"]]


def test_only_what_holds_a_secret_is_changed() -> None:
    changed = {kind for kind, text in KINDS.items() if scrub_text(text) != text}
    assert changed == {"a password", "a URL"}
