"""Faults within a process: its name, its middleware, its LOGGING, its sampler."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

import pytest
from django.test import override_settings

from django_observe import middleware, reporting
from django_observe.doctor import loglines, middlewareorder, ownloggers
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK
from tests.collector import Collector
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.running import Run, doctor

COMMON = "django.middleware.common.CommonMiddleware"

NO_NAME = plant(
    "nobody has named the service",
    "service name",
    "neither OTEL_SERVICE_NAME nor DJANGO_OBSERVE['SERVICE_NAME'] is set: services of the same layout get "
    "the same name, and are one in every trace, line and dashboard",
    "OTEL_SERVICE_NAME=…    # or what you call it",
)
SHADOWED = plant(
    "a middleware stands before ours",
    "middleware",
    "what these answer by themselves has no ID, no line, no span, and their time goes unseen",
    'MIDDLEWARE = ["…", "…", ...]    # ours first, or left out: it then puts itself first',
)
TWICE = plant(
    "our middleware is listed twice",
    "middleware",
    "every request is counted and logged as often as it stands there",
    'MIDDLEWARE = ["…", ...]    # once, and first',
)
LEVEL = plant(
    "LOGGING has a level above INFO for our loggers",
    "log lines",
    "LOGGING has level WARNING for the logger django_observe.request: lines of INFO are below it",
    'LOGGING["loggers"]["django_observe.request"]["level"] = "INFO"',
)
HANDLER_LEVEL = plant(
    "LOGGING gives our logger a handler of a higher level",
    "log lines",
    "the handler errors takes ERROR and above",
    'LOGGING["handlers"]["errors"]["level"] = "INFO"',
)
NULL_HANDLER = plant(
    "LOGGING sends our lines to a NullHandler",
    "log lines",
    "the logger django_observe.request has no handler that writes, and passes nothing on",
    'LOGGING["loggers"]["django_observe.request"]["handlers"] = ["console"]    # one of LOGGING["handlers"]',
)
FILTERED = plant(
    "a filter of LOGGING rejects our lines",
    "log lines",
    "a filter of the logger django_observe.request rejects it",
    'LOGGING["loggers"]["django_observe.request"]["filters"] = []',
)
DISABLED = plant(
    "somebody has called logging.disable()",
    "log lines",
    "logging.disable(INFO) was called: nothing of INFO or below is logged by anybody",
    "remove that call, or logging.disable(logging.NOTSET) after it",
)
SWITCHED_OFF = plant(
    "LOGGING switches off the loggers that were there before",
    "log lines: project",
    "LOGGING has disable_existing_loggers on, which is its default: loggers that were there before it was "
    "applied say nothing any more",
    'LOGGING["disable_existing_loggers"] = False',
)
NO_HANDLER = plant(
    "LOGGING gives the project's own loggers no handler",
    "log lines: project",
    "neither the logger … nor a logger above it has a handler",
    'LOGGING["root"] = {"handlers": ["console"], "level": "INFO"}    # one of LOGGING["handlers"]',
)
OWN_LEVEL = plant(
    "LOGGING gives a logger of the project's own a level above all it says",
    "log lines: project",
    "LOGGING has level CRITICAL for the logger demo_services: lines of INFO are below it",
    'LOGGING["loggers"]["demo_services"]["level"] = "INFO"',
)
OWN_DEAD_END = plant(
    "LOGGING has a logger of the project's own pass nothing on, and gives it no handler",
    "log lines: project",
    "the logger demo_services has no handler that writes, and passes nothing on",
    'LOGGING["loggers"]["demo_services"]["handlers"] = ["console"]    # one of LOGGING["handlers"]',
)
SAMPLED_OUT = plant(
    "the sampler keeps no trace",
    "sampling",
    "OTEL_TRACES_SAMPLER=always_off makes the sampler AlwaysOffSampler",
    "OTEL_TRACES_SAMPLER=parentbased_always_on    # or parentbased_traceidratio, and its _ARG",
)
REJECTED = plant(
    "the collector rejects what it is sent",
    "OTLP traces",
    "it answers and rejects or delays traces: by a limit of its own, or it has just started",
    "see the log of the collector, and run this once more",
)

MODULE = "demo_services"
"""One that is there, is no app of the tests' project, and no library."""

HANDLERS = {
    "null": {"class": "logging.NullHandler"},
    "errors": {"class": "logging.StreamHandler", "level": "ERROR"},
    "console": {"class": "logging.StreamHandler"},
}
ROOT = {"handlers": ["console"], "level": "INFO"}


def given(loggers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A LOGGING as projects have it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"nothing": {"()": "logging.Filter", "name": "nothing"}},
        "handlers": HANDLERS,
        "root": ROOT,
        "loggers": loggers,
        **more,
    }


@pytest.mark.parametrize(
    ("fault", "logging_settings"),
    [
        (LEVEL, given({"django_observe.request": {"level": "WARNING"}})),
        (HANDLER_LEVEL, given({"django_observe.request": {"handlers": ["errors"], "propagate": False}})),
        (NULL_HANDLER, given({"django_observe.request": {"handlers": ["null"], "propagate": False}})),
        (FILTERED, given({"django_observe.request": {"filters": ["nothing"]}})),
        (SWITCHED_OFF, {key: value for key, value in given({}).items() if key != "disable_existing_loggers"}),
        (NO_HANDLER, given({}, root={})),
        (
            OWN_LEVEL,
            given({MODULE: {"level": "CRITICAL"}, f"{MODULE}.audit": {}, "urllib3": {"level": "CRITICAL"}}),
        ),
        (OWN_DEAD_END, given({MODULE: {"propagate": False}})),
        (OWN_DEAD_END, given({MODULE: {"handlers": ["null"], "propagate": False}})),
    ],
    ids=[
        *("level", "handler's level", "null handler", "filter", "disable_existing_loggers", "no handler"),
        *("own level", "own dead end", "own null handler"),
    ],
)
def test_a_logging_that_swallows(fault: str, logging_settings: dict[str, Any]) -> None:
    run = doctor(settings={"LOGGING": logging_settings})
    diagnosed(run.findings, fault, PLANTED[fault].change)
    assert run.status == 1


def test_a_logging_of_the_projects_own_is_well() -> None:
    run = doctor(settings={"LOGGING": given({"tests": {"level": "WARNING"}})})
    lines = {each.hop: each for each in run.findings if each.hop.startswith("log lines")}
    assert {hop: each.state for hop, each in lines.items()} == {"log lines": OK, "log lines: project": OK}
    assert lines["log lines: project"].says == "WARNING and above of tests go to stderr, as text"
    assert run.status == 0


def test_loggers_that_no_module_is_called_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that are not installed here are silenced on purpose; the script that runs has no spec."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    failed = dict(reporting.failures())
    others = ("MARKDOWN", "botocore", "sql.slow", "__main__", "", "urllib3")
    with override_settings(LOGGING=given({name: {} for name in (*others, MODULE)})):
        assert ownloggers.names() == ["tests", MODULE]
    assert reporting.failures() == failed


def own_line(run: Run) -> str:
    [found] = [each for each in run.findings if each.hop == "log lines: project"]
    assert found.state == OK
    return found.says


def test_a_level_of_the_projects_own_choosing_is_said_by_name() -> None:
    loggers = {
        MODULE: {"level": "WARNING", "handlers": ["errors"]},
        f"{MODULE}.audit": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "urllib3": {"level": "CRITICAL"},
        "django.security.DisallowedHost": {"handlers": ["null"], "propagate": False},
    }
    run = doctor(settings={"LOGGING": given(loggers)})
    assert run.status == 0
    assert own_line(run) == (
        "INFO and above of tests, demo_services.audit go to stderr, as text; "
        "WARNING and above of demo_services go to stderr, as text"
    )


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("null", "INFO and above of tests go to OTLP alone, and none to stdout"),
        ("errors", "ERROR and above of tests go to handlers of LOGGING's own, INFO and above to OTLP"),
    ],
)
def test_what_otlp_alone_takes_is_not_said_to_be_on_stdout(root: str, said: str) -> None:
    with Collector() as collector:
        run = doctor(
            settings={"LOGGING": given({}, root={"handlers": [root], "level": "INFO"})},
            variables={**collector.environment, "OTEL_LOGS_EXPORTER": "otlp"},
        )
    assert own_line(run) == said


def test_the_projects_apps_are_judged_and_those_of_libraries_are_not() -> None:
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "django_observe"]
    apps += ["rest_framework", "demo_services", "demo_services.drills", "tests.versions"]
    loggers = {"demo_services": {"level": "CRITICAL"}}
    run = doctor(settings={"INSTALLED_APPS": apps, "LOGGING": given(loggers)})
    own = [each for each in run.findings if each.hop == "log lines: project"]
    assert [(each.state, each.says) for each in own] == [
        (BROKEN, "lines of demo_services below CRITICAL go nowhere"),
        (OK, "INFO and above of tests go to stderr, as text"),
    ]
    assert own[0].change == PLANTED[OWN_LEVEL].change


def test_logging_that_is_disabled(sent: Canary) -> None:
    logging.disable(logging.INFO)
    try:
        diagnosed(loglines.examine(sent), DISABLED, PLANTED[DISABLED].change)
    finally:
        logging.disable(logging.NOTSET)


def test_logs_that_are_off(sent: Canary) -> None:
    with override_settings(DJANGO_OBSERVE={"LOGS": False}):
        assert [each.state for each in loglines.examine(sent)] == [NOT_CONFIGURED]


def test_a_name_that_is_a_guess() -> None:
    run = doctor(variables={"OTEL_SERVICE_NAME": ""})
    diagnosed(run.findings, NO_NAME, "OTEL_SERVICE_NAME=tests    # or what you call it")


@pytest.mark.parametrize(
    "listed", [[middleware.PATH, COMMON], [middleware.PATH], ["opentelemetry.x", middleware.PATH]]
)
def test_a_middleware_in_its_place(sent: Canary, listed: list[str]) -> None:
    with override_settings(MIDDLEWARE=listed):
        assert [each.state for each in middlewareorder.examine(sent)] == [OK]


def test_a_middleware_in_anothers_shadow(sent: Canary) -> None:
    with override_settings(MIDDLEWARE=[COMMON, middleware.PATH]):
        found = diagnosed(
            middlewareorder.examine(sent),
            SHADOWED,
            f'MIDDLEWARE = ["{middleware.PATH}", "{COMMON}", ...]    # ours first, or left out: it then puts '
            "itself first",
        )
    assert COMMON in found.says


def test_a_middleware_twice(sent: Canary) -> None:
    with override_settings(MIDDLEWARE=[middleware.PATH, COMMON, middleware.PATH]):
        change = f'MIDDLEWARE = ["{middleware.PATH}", ...]    # once, and first'
        diagnosed(middlewareorder.examine(sent), TWICE, change)


def test_everything_is_sampled_out() -> None:
    with Collector() as collector:
        run = doctor(variables={**collector.environment, "OTEL_TRACES_SAMPLER": "always_off"})
        diagnosed(run.findings, SAMPLED_OUT, PLANTED[SAMPLED_OUT].change)
        assert collector.spans() == []


def test_a_canary_that_is_rejected() -> None:
    with Collector("partial") as collector:
        run = doctor(variables=collector.environment)
    found = diagnosed(run.findings, REJECTED, PLANTED[REJECTED].change)
    assert "rejected" in found.says


def test_a_small_ratio_keeps_the_canary() -> None:
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    with Collector() as collector:
        run = doctor(variables={**collector.environment, **ratio, "OTEL_LOGS_EXPORTER": "otlp"})
        canary = collector.span("observe doctor")
        lines, names = collector.logs(), {each.name for each in collector.spans()}
    told = next(each.says for each in run.findings if each.hop == "sampling")
    assert told.startswith("0.01 of all traces that begin in this process are kept")
    assert run.status == 0
    assert names == {"observe doctor"}
    assert canary.attributes["correlation_id"] == run.document["correlation_id"]
    assert canary.trace_id == run.document["trace_id"]
    ours = [each for each in lines if each.attributes["correlation_id"] == run.document["correlation_id"]]
    assert {each.raw.trace_id.hex() for each in ours} == {run.document["trace_id"]}
    assert {each.attributes["logger"] for each in ours} >= {"django_observe.request", "tests"}
