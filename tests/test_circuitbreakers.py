"""The state of every circuit breaker, in every process, and nothing of it where a project has none."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pybreaker
import pytest
from prometheus_client import REGISTRY

from django_observe import circuitbreakers, metrics, reporting
from django_observe.metricset import BOUNDED_LABELS, BREAKER_STATE
from django_observe.vocabulary import BreakerState, LabelValue


@pytest.fixture(autouse=True)
def _bound_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gc.collect()
    monkeypatch.setattr(circuitbreakers, "_names", {})
    metrics.reset()
    metrics.mirror()
    yield
    metrics.reset()


def shown(name: str) -> dict[str, float | None]:
    """The gauges of one breaker that are not 0."""
    values = {
        state: REGISTRY.get_sample_value(BREAKER_STATE.name, {"breaker": name, "state": state})
        for state in BreakerState.ALL
    }
    return {state: value for state, value in values.items() if value}


def fail() -> None:
    raise OSError


def test_a_breaker_is_shown_in_the_state_it_is_in() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=0, name="bank")
    metrics.mirror()
    assert shown("bank") == {"closed": 1}
    for _ in range(2):
        with pytest.raises((OSError, pybreaker.CircuitBreakerError)):
            breaker.call(fail)
    assert shown("bank") == {"open": 1}
    breaker.half_open()
    assert shown("bank") == {"half_open": 1}
    breaker.call(int)
    assert shown("bank") == {"closed": 1}


def test_breakers_of_one_name_are_added_up_and_gone_ones_are_not_counted() -> None:
    one, two = pybreaker.CircuitBreaker(name="twice"), pybreaker.CircuitBreaker(name="twice")
    two.open()
    assert shown("twice") == {"closed": 1, "open": 1}
    del two
    gc.collect()
    metrics.mirror()
    assert shown("twice") == {"closed": 1}
    del one
    gc.collect()
    metrics.mirror()
    assert shown("twice") == {}


def test_one_without_a_name_is_called_by_the_module_that_made_it() -> None:
    breaker = pybreaker.CircuitBreaker()
    breaker.open()
    assert shown(__name__) == {"open": 1}
    breaker.name = "late"
    metrics.mirror()
    assert (shown(__name__), shown("late")) == ({}, {"open": 1})


def test_names_are_bounded_for_the_life_of_the_process() -> None:
    kept = pybreaker.CircuitBreaker(name="first")
    for batch in range(4):
        for number in range(circuitbreakers.MAX_NAMES // 2):
            pybreaker.CircuitBreaker(name=f"tenant-{batch}-{number}")
        metrics.mirror()
        gc.collect()
    late = [pybreaker.CircuitBreaker(name=f"late-{number}") for number in range(50)]
    late[0].open()
    assert len(circuitbreakers.states()) == circuitbreakers.MAX_NAMES + 1
    assert shown("first") == {"closed": 1}
    assert (shown("late-0"), shown(LabelValue.OTHER)) == ({}, {"closed": 49, "open": 1})
    del late
    gc.collect()
    metrics.mirror()
    assert shown(LabelValue.OTHER) == {}
    assert kept.name == "first"


def test_one_that_is_gone_is_not_open_for_ever_when_its_gauges_are_bound_anew() -> None:
    breaker = pybreaker.CircuitBreaker(name="gone")
    breaker.open()
    assert shown("gone") == {"open": 1}
    metrics.reset()
    del breaker
    gc.collect()
    metrics.mirror()
    assert shown("gone") == {}


def test_folding_keeps_the_state() -> None:
    assert set(BREAKER_STATE.labels) - BOUNDED_LABELS == {"breaker"}


class Equal(pybreaker.CircuitBreaker):  # noqa: PLW1641 - as its docstring says
    """Cannot be hashed, and equals every other."""

    def __eq__(self, other: object) -> bool:
        return True


def test_breakers_that_cannot_be_hashed_are_shown_each() -> None:
    before = reporting.failures()
    one, two = Equal(name="equal"), Equal(name="equal")
    two.open()
    assert shown("equal") == {"closed": 1, "open": 1}
    assert reporting.failures() == before
    assert one.name == two.name


def test_the_projects_own_listeners_stay_its_own() -> None:
    class Heard(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: object, old_state: object, new_state: object) -> None:
            changes.append((getattr(old_state, "name", None), getattr(new_state, "name", None)))

    changes: list[tuple[str | None, str | None]] = []
    listener = Heard()
    breaker = pybreaker.CircuitBreaker(listeners=[listener])
    assert breaker.listeners == (listener,)
    breaker.open()
    assert changes == [("closed", "open")]


class Away(pybreaker.CircuitMemoryStorage):
    """A storage that is asked once, when the breaker is made, and never by a scrape."""

    asked = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "state":
            self.asked += 1
        return super().__getattribute__(name)


def test_a_scrape_does_not_ask_a_shared_storage() -> None:
    storage = Away("closed")
    breaker = pybreaker.CircuitBreaker(state_storage=storage, name="shared")
    asked = storage.asked
    metrics.mirror()
    assert shown("shared") == {"closed": 1}
    assert (storage.asked, breaker.name) == (asked, "shared")


def test_a_fault_of_ours_is_not_one_of_the_breakers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuitbreakers, "_callbacks", [fail])
    before = reporting.failures().get("circuitbreakers", 0)
    breaker = pybreaker.CircuitBreaker()
    breaker.open()
    assert breaker.current_state == "open"
    assert reporting.failures()["circuitbreakers"] == before + 1


PROGRAM = """
import os, sys, django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"])
django.setup()
print("pybreaker" in sys.modules, "prometheus_client" in sys.modules)
import pybreaker
bank = pybreaker.CircuitBreaker(name="bank", fail_max=1)
print("prometheus_client" in sys.modules)
from django_observe import exposition, multiprocess, reporting
from django_observe.records import Call
multiprocess.prepare()
children, leave = [], os.pipe()
for number in range(3):
    told = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(leave[1])
        reporting.report(Call(method="GET", host="a.test", status=200, seconds=0.1))
        bank.close() if number else bank.open()
        os.write(told[1], b"x")
        os.read(leave[0], 1)
        os._exit(0)
    os.read(told[0], 1)
    children.append(pid)
def page():
    lines = exposition.render("", several=True)[0].decode().splitlines()
    return [line for line in lines if line.startswith("observe_circuit") and not line.endswith(" 0.0")]
print(page())
os.close(leave[1])
[os.waitpid(pid, 0) for pid in children]
print(page(), reporting.failures())
"""


def test_every_process_has_its_own_and_the_page_their_sum(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**environment, "OBSERVE_METRICS_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    state = 'observe_circuit_breaker_state{breaker="bank",state="'
    assert done.stdout.splitlines() == [
        "False False",
        "False",
        str([f'{state}closed"}} 3.0', f'{state}open"}} 1.0']),
        str([f'{state}closed"}} 1.0']) + " {}",
    ]
