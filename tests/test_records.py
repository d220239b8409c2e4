"""Normalisation happens on construction, once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest

from django_observe.records import Call, Exchange, TaskRun


@pytest.mark.parametrize(
    ("method", "told"),
    [("GET", "GET"), ("PATCH", "PATCH"), ("GETT", "<invalid method>"), ("get", "<invalid method>")],
)
def test_unknown_verbs_are_folded(method: str, told: str) -> None:
    assert Exchange(correlation_id="a", method=method, path="/", status=200, seconds=1).method == told


def test_negative_durations_become_zero() -> None:
    exchange = Exchange(correlation_id="a", method="GET", path="/", status=200, seconds=-1, queue_seconds=-5)
    run = TaskRun(
        correlation_id="a", task="t", task_id="1", state="SUCCESS", seconds=-2, queue_wait_seconds=-3
    )
    assert (exchange.seconds, exchange.queue_seconds, run.seconds, run.queue_wait_seconds) == (0, 0, 0, 0)
    assert Call(method="BREW", host="h", status=418, seconds=-1).seconds == 0


@pytest.mark.parametrize("fields", [{"method": "GET", "seconds": 1}, {"method": "BREW", "seconds": -1}])
def test_an_exchange_of_all_its_fields_is_the_one_that_is_made_of_each(fields: dict[str, Any]) -> None:
    made = Exchange(correlation_id="a", path="/", status=200, **fields)
    whole = Exchange.of({**vars(made), **fields})
    assert whole == made
    assert asdict(whole) == asdict(made)
    assert (whole.method, whole.seconds) == (made.method, made.seconds)
    with pytest.raises(FrozenInstanceError):
        whole.status = 500  # type: ignore[misc]
