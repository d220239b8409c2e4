"""Normalisation happens on construction, once."""

from __future__ import annotations

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
