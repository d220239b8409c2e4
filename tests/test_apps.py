"""What a dotted path may put in a reporter's place."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_observe import reporting
from django_observe.records import Record


class Sink:
    """Told by a method of its own, as a queue's `put` would be."""

    def __init__(self) -> None:
        self.told: list[Record] = []

    def __call__(self, record: Record) -> None:
        """Keeps the record."""
        self.told.append(record)


sink = Sink()


async def awaited(record: Record) -> None:
    """Its caller would have to await it."""


@pytest.mark.parametrize("key", ["LOGS", "METRICS", "TRACES"])
def test_a_callable_takes_the_place_of_a_reporter(key: str) -> None:
    with override_settings(DJANGO_OBSERVE={key: f"{__name__}.sink"}):
        assert sink in reporting.reporters()
        assert len(reporting.reporters()) == 3
    assert sink not in reporting.reporters()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{__name__}.nowhere", 'does not define a "nowhere" attribute'),
        ("tests.settings.DATABASES", "of type dict"),
        (f"{__name__}.awaited", "a coroutine function"),
    ],
)
def test_what_cannot_be_told_a_record_stops_the_start(path: str, said: str) -> None:
    """Setting, value, what is accepted, what to do: at each start, instead of a failure at each record."""
    before = reporting.reporters()
    with pytest.raises(ImproperlyConfigured) as caught, override_settings(DJANGO_OBSERVE={"LOGS": path}):
        pass
    fault = str(caught.value)
    assert fault.startswith(f"DJANGO_OBSERVE['LOGS'] is {path!r}; accepted is True, False or a ")
    assert said in fault
    assert fault.rpartition(". ")[2].split()[0] in {"Correct", "Name"}
    assert reporting.reporters() == before
