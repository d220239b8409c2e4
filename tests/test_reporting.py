"""The loop over the reporters and the guard around each."""

from __future__ import annotations

import gc
import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest

from django_observe import logs, reporting, traces
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


class Lazy:
    """What is set up when it is looked at, like `request.user`, and cannot be."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise LookupError("set up")


def test_a_fault_is_kept_whatever_the_arguments_of_its_functions() -> None:
    def fail(value: object) -> None:
        raise ValueError(type(value))

    with reporting.guard("test"):
        fail(Lazy())


def by_function(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("the application's deadline")


class ByMethod:
    def __call__(self, *given: object) -> None:
        by_function(*given)  # type: ignore[arg-type]


@pytest.fixture(params=[by_function, ByMethod(), partial(by_function)], ids=["function", "object", "partial"])
def handler(request: pytest.FixtureRequest) -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, request.param)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("handler")
def test_what_a_signal_handler_raises_reaches_the_application() -> None:
    counted = reporting.failures()
    with pytest.raises(TimeoutError), reporting.guard("test"):
        json.dumps({"nested": [Interrupts()]}, default=vars)
    assert reporting.failures() == counted


class Interrupts:
    """Something that is interrupted while telemetry looks at it."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        signal.raise_signal(signal.SIGUSR1)


@pytest.mark.usefixtures("handler")
def test_an_interrupted_reporter_does_not_keep_the_next_from_being_told() -> None:
    told: list[Record] = []
    before = reporting.reporters()
    reporting.set_reporters((lambda _: signal.raise_signal(signal.SIGUSR1), told.append))
    try:
        with pytest.raises(TimeoutError):
            reporting.report(NewConnection(alias="default", vendor="sqlite"))
    finally:
        reporting.set_reporters(before)
    assert len(told) == 1


@pytest.mark.usefixtures("handler")
def test_a_fault_of_ones_own_that_an_interruption_came_before_is_kept_from_the_application() -> None:
    with reporting.guard("test"):
        with suppress(TimeoutError):
            signal.raise_signal(signal.SIGUSR1)
        raise RuntimeError


def test_an_interruption_is_forgotten_with_the_record_it_came_at() -> None:
    """By counting alone: what is held by a cycle stays until the garbage is collected."""

    class Late(Exception):  # noqa: N818 - a deadline
        pass

    def late(number: int, frame: FrameType | None) -> None:
        raise Late

    handler, before = signal.signal(signal.SIGUSR1, late), reporting.reporters()
    reporting.set_reporters((lambda _: signal.raise_signal(signal.SIGUSR1),))
    gc.disable()
    try:
        with suppress(Late):
            reporting.report(NewConnection(alias="default", vendor="sqlite"))
        assert not [each for each in gc.get_objects() if type(each) is Late]
    finally:
        gc.enable()
        reporting.set_reporters(before)
        signal.signal(signal.SIGUSR1, handler)


@pytest.mark.parametrize(
    ("reporter", "tells"), [(logs.report, logs._tellers), (traces.report, traces._completing)]
)
def test_a_reporter_is_told_of_all_that_it_tells(reporter: reporting.Reporter, tells: Any) -> None:
    [wished] = [kinds for known, kinds in reporting._wishes if known is reporter]
    assert wished == {kind.__name__ for kind in tells()}
