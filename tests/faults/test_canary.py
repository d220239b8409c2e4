"""Secrets in every place where a service has them, and in none where its telemetry goes.

A canary is a secret that is nowhere else: one for each place, program and outcome. All programs of a project
handle all of them, under every log level; then every sink is searched for all, whole or half, in any case and
in base64. That the search finds canaries is shown by programs in which something was switched off.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.faults.canary.actions import ACTIONS, CONFIGURED
from tests.faults.canary.broken import ALL, KINDS
from tests.faults.canary.running import (
    HANDLING,
    IN_A_WORKER,
    PUBLISHED,
    SINKS,
    Found,
    controls,
    everything,
)
from tests.faults.canary.sending import CARRYING, IN_A_CONSUMER, IN_PATHS, SOCKET
from tests.faults.canary.values import Plant, Search, canary
from tests.faults.guarantees import guarantee

PLACES = (
    *CARRYING,
    *IN_PATHS,
    *ACTIONS,
    *HANDLING,
    *("exception args: streaming body", IN_A_CONSUMER),
    *SOCKET,
    *PUBLISHED,
    *IN_A_WORKER,
    "command line",
    *CONFIGURED,
)
"""All of them, in the order of the table."""

REACHED, FOUND = "planted in", "found without"
Property: TypeAlias = Callable[[str, object], None]

SWITCHED_OFF: dict[str, tuple[str, ...]] = {
    "keys": (
        *("exception args: view, task, command", "exception args: middleware"),
        *("exception args: streaming body", "log message", "log extra", "nested JSON"),
        *("body, logged", "form, logged", "query, logged", "span attribute, event and status"),
    ),
    "patterns": ("exception args: view, task, command", "log message", "span attribute, event and status"),
    "paths": (*IN_PATHS, "WebSocket: path"),
    "query": ("query", "outbound: query", "WebSocket: query"),
    "SQL": (
        *("SQL parameter", "SQL literal", "e-mail address in a database's error"),
        *("username and e-mail address", "user who is logged in"),
    ),
    "persons": ("header: User-Agent",),
    "known secrets": CONFIGURED,
    "quotes in errors": ("cache key and value", "outbound: path segment", "request.META in an extra"),
    "libraries": ("WebSocket: path", "WebSocket: header", "WebSocket: message", "path segment: matched"),
    ALL: (*PUBLISHED, *IN_A_WORKER, IN_A_CONSUMER, "outbound: fragment", "outbound: the answer"),
}
"""What the sinks hold at the least without one kind of care."""

MARKS = {
    "OTLP": b"it broke",
    "stdout, stderr": b'"canary"',
    "/metrics": b"django_http_requests_total",
    "/readyz": b"status",
    "console: file": b"it broke",
    "console: pages": b"it broke",
}
"""What each sink holds, if it is the one that is meant."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The run with everything in force."""
    return everything(tmp_path_factory.mktemp("canary"))


@pytest.fixture(scope="module")
def leaks(found: Found) -> dict[str, dict[Plant, int]]:
    return found.leaks()


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By place: the kinds of which one was switched off when it was found."""
    run = controls(tmp_path_factory.mktemp("control"))
    places: dict[str, set[str]] = {place: set() for place in PLACES}
    for found in run.leaks().values():
        for plant in found:
            places[plant.place].add(plant.program.partition(",")[0])
    return places


def test_every_place_is_in_the_table(found: Found) -> None:
    assert {plant.place for plant in found.planted} == set(PLACES)


@guarantee("canary", "{place}", column="sink")
@pytest.mark.parametrize("sink", [REACHED])
@pytest.mark.parametrize("place", PLACES)
def test_the_code_of_a_place_has_run(place: str, sink: str, found: Found, record_property: Property) -> None:
    planted = {plant for plant in found.planted if plant.place == place}
    assert planted
    assert planted <= found.witnessed
    record_property("measured", ", ".join(sorted({plant.program for plant in planted})))


@guarantee("canary", "{place}", column="sink")
@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("place", PLACES)
def test_no_sink_has_it(
    place: str, sink: str, leaks: dict[str, dict[Plant, int]], record_property: Property
) -> None:
    there = {plant: count for plant, count in leaks[sink].items() if plant.place == place}
    record_property("measured", str(sum(there.values())))
    assert there == {}


@guarantee("canary", "{place}", column="sink")
@pytest.mark.parametrize("sink", [FOUND])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_masked_is_found(
    place: str, sink: str, control: dict[str, set[str]], record_property: Property
) -> None:
    """Where nothing is named, nothing has to be masked: no telemetry tells of that place at all."""
    record_property("measured", ", ".join(sorted(control[place])) or "-")
    assert {kind for kind, places in SWITCHED_OFF.items() if place in places} <= control[place]


def test_every_kind_of_care_is_switched_off() -> None:
    assert set(SWITCHED_OFF) == set(KINDS)


@pytest.mark.parametrize("sink", SINKS)
def test_the_sinks_are_what_they_are_called(sink: str, found: Found) -> None:
    assert MARKS[sink] in b"\n".join(found.sinks[sink])


@pytest.mark.parametrize(
    "written",
    [
        "{0}",
        "user={0}&",
        "\x00{0}\xff",
        "{1}",
        "...{2}",
        "{3}",
        *(f"Basic {{{number}}}" for number in (4, 5, 6)),
    ],
)
def test_the_search_finds_halves_other_cases_and_base64(written: str) -> None:
    plant = Plant("log message", "gthread", "error")
    value = canary(plant, "seed")
    in_base64 = [b64encode(f"{before}{value}".encode()).decode() for before in ("", "a", "ab")]
    data = written.format(value, value[:12], value[-12:], value.upper(), *in_base64).encode("latin-1")
    assert set(Search([plant], "seed").found(data)) == {plant}
    assert not Search([Plant("another", "gthread", "error")], "seed").found(data)
