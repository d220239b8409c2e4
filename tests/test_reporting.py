"""The loop over the reporters and the guard around each."""

from __future__ import annotations

import pytest

from django_observe import reporting
from django_observe.records import NewConnection, Record


def test_a_reporter_that_fails_does_not_keep_the_next_from_being_told() -> None:
    told: list[Record] = []

    def failing(record: Record) -> None:
        raise RuntimeError(record)

    before, counted = reporting.reporters(), reporting.failures().get(__name__, 0)
    reporting.set_reporters((failing, told.append))
    try:
        reporting.report(NewConnection(alias="default", vendor="sqlite"))
    finally:
        reporting.set_reporters(before)
    assert len(told) == 1
    assert reporting.failures()[__name__] == counted + 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_guard_lets_the_end_of_the_process_through(error: type[BaseException]) -> None:
    with pytest.raises(error), reporting.guard("test"):
        raise error
