"""A project whose own code sets the TracerProvider, with an exporter and without."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from django_observe import reporting
from django_observe.doctor import ownprovider
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK
from tests.console.running import running
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.running import SHARED, Run, doctor, environment, gunicorn

OWN_PROVIDER = plant(
    "the project's code sets a TracerProvider without an exporter",
    "OTLP traces",
    "code of the project sets a TracerProvider and gives it no exporter; the kit uses one that is set, and "
    "exports from its own alone",
    "remove trace.set_tracer_provider(...)    # from manage.py, wsgi.py, asgi.py or the settings: the kit "
    "then sets its own",
)
HALF_WAY = {"DJANGO_SETTINGS_MODULE": "tests.doctor.ownprovider"}
KEPT = {**HALF_WAY, "OWN_EXPORTER": "1"}


def ran(service: dict[str, str], *shells: dict[str, str]) -> list[Run]:
    """The doctor in each of `shells`, one after another, for a service with these variables."""
    with running() as console:
        named = {"ALLOWED_HOSTS": ["127.0.0.1"], "DJANGO_OBSERVE": {"BACKENDS": {"console": console.pages}}}
        export = {"OTEL_EXPORTER_OTLP_ENDPOINT": console.otlp, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with gunicorn({**environment(named), **export, **service}, *SHARED) as url:
            return [
                doctor("--json", "--url", url, settings=named, variables={**export, **shell})
                for shell in shells
            ]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Without an exporter; with one, in the service and the shell, and in the service alone."""
    return [*ran(HALF_WAY, HALF_WAY), *ran(KEPT, KEPT, {})]


def test_a_processor_that_raises_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the traceback of a thread, which pytest makes an error."""

    class Failing(SpanProcessor):
        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            raise ConnectionError(timeout_millis)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Failing())
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    before = reporting.failures().get("doctor", 0)
    ownprovider.flush(10)
    assert reporting.failures()["doctor"] == before + 1


def test_a_provider_of_the_projects_own_without_an_exporter(runs: list[Run]) -> None:
    """One cause, once; what follows from it says so."""
    findings = runs[0].findings
    following = [each for each in findings if each.cause == "follows from OTLP traces"]
    assert [(each.hop, each.change) for each in following] == [
        ("service's export", ""),
        ("service's span", ""),
    ]
    others = [each for each in findings if each not in following]
    diagnosed(others, OWN_PROVIDER, PLANTED[OWN_PROVIDER].change)
    [found] = [each for each in findings if each.hop == "console"]
    assert (found.state, found.says.endswith("see OTLP traces")) == (NOT_CONFIGURED, True)


@pytest.mark.parametrize(("number", "traces"), [(1, NOT_CONFIGURED), (2, OK)], ids=["both", "service alone"])
def test_a_provider_of_the_projects_own_with_an_exporter(runs: list[Run], number: int, traces: str) -> None:
    """Is used as it is, in wsgi.py alone as well: nothing is broken, though no books tell of it."""
    states = {each.hop: each.state for each in runs[number].findings}
    assert [hop for hop, state in states.items() if state == BROKEN] == []
    assert (states["console"], states["service's span"]) == (OK, OK)
    assert (states["service's export"], states["OTLP traces"]) == (NOT_CONFIGURED, traces)
