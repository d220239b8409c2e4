"""The system checks: each finds its fault, has an id and a hint, and stays quiet otherwise."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import checks as django_checks
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from django.test import override_settings

from django_observe import checks, conf, middleware
from django_observe.json import JsonFormatter

OTEL = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS")
COMMON = "django.middleware.common.CommonMiddleware"


@pytest.fixture(autouse=True)
def no_otel(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OTEL, "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


def found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Ours among what `manage.py check` finds, by id."""
    messages = django_checks.run_checks(include_deployment_checks=deploy)
    ours = {str(each.id): each for each in messages if str(each.id).startswith("django_observe.")}
    assert all(each.hint for each in ours.values())
    return ours


def test_a_plain_project_has_nothing_to_correct() -> None:
    assert found() == {}


def test_installing_again_registers_nothing_twice() -> None:
    before = (len(registry.registered_checks), len(registry.deployment_checks))
    checks.install()
    assert (len(registry.registered_checks), len(registry.deployment_checks)) == before


def test_the_table_in_the_docstring_is_complete() -> None:
    source = Path(checks.__file__).read_text(encoding="utf-8")
    table, _, code = source.partition('"""\n\nfrom')
    identifier = re.compile(r"django_observe\.[EW]\d+")
    assert identifier.findall(table) == sorted(set(identifier.findall(code)))


def test_e001_faults_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set behind Django's back, as a settings module does: `override_settings` reports it by itself."""
    monkeypatch.setattr(settings, "DJANGO_OBSERVE", {"LOG_FORMAT": "xml", "NOPE": 1}, raising=False)
    conf.settings.cache_clear()
    try:
        messages = found(deploy=True)
    finally:
        monkeypatch.undo()
        conf.settings.cache_clear()
    assert list(messages) == ["django_observe.E001"]
    assert "DJANGO_OBSERVE has 2 fault(s)" in messages["django_observe.E001"].msg
    assert messages["django_observe.E001"].level == django_checks.ERROR


@pytest.mark.parametrize(
    ("listed", "ids"),
    [
        ([middleware.PATH, COMMON], set()),
        ([], set()),
        (["opentelemetry.instrumentation.django.x", middleware.PATH], set()),
        ([middleware.PATH, COMMON, middleware.PATH], {"django_observe.E002"}),
        ([COMMON, middleware.PATH], {"django_observe.W001"}),
        (
            [
                middleware.PATH,
                "django_prometheus.middleware.PrometheusBeforeMiddleware",
                COMMON,
                "django_prometheus.middleware.PrometheusAfterMiddleware",
            ],
            {"django_observe.W002"},
        ),
    ],
)
def test_e002_w001_w002_the_middleware(listed: list[str], ids: set[str]) -> None:
    with override_settings(MIDDLEWARE=listed):
        messages = found()
    assert set(messages) == ids
    if "django_observe.W001" in ids:
        assert COMMON in messages["django_observe.W001"].msg


@pytest.mark.parametrize(
    ("endpoint", "protocol", "expected"),
    [
        ("http://127.0.0.1:4318", "grpc", True),
        ("http://127.0.0.1:4318", "http/json", True),
        ("http://127.0.0.1:4318", "http/protobuf", False),
        ("http://127.0.0.1:4318", "", False),
        ("", "grpc", False),
    ],
)
def test_w003_the_protocol(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, protocol: str, expected: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    messages = found()
    assert ("django_observe.W003" in messages) is expected
    if expected:
        assert repr(protocol) in messages["django_observe.W003"].msg


@pytest.mark.parametrize(
    ("endpoint", "headers", "expected"),
    [
        ("http://otel.example.com:4318", "api-key=canary", True),
        ("http://203.0.113.7:4318", "api-key=canary", True),
        ("https://otel.example.com", "api-key=canary", False),
        ("http://otel.example.com:4318", "", False),
        ("http://10.0.0.5:4318", "api-key=canary", False),
        ("http://[::1]:4318", "api-key=canary", False),
        ("http://collector:4318", "api-key=canary", False),
    ],
)
def test_w004_headers_over_plain_http(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, headers: str, expected: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    messages = found()
    assert ("django_observe.W004" in messages) is expected
    assert "canary" not in str(messages)


def test_w101_w102_what_is_left_to_defaults_at_deployment() -> None:
    with override_settings(DJANGO_OBSERVE={}):
        assert set(found(deploy=True)) == {"django_observe.W101", "django_observe.W102"}
        assert "'tests'" in found(deploy=True)["django_observe.W102"].msg
        assert found() == {}
    with override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": [], "SERVICE_NAME": "orders"}):
        assert found(deploy=True) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"METRICS_ALLOW": ["0.0.0.0/0"]}, True),
        ({"METRICS_ALLOW": ["10.0.0.0/8", "::/0"]}, True),
        ({"METRICS_ALLOW": ["0.0.0.0/0"], "METRICS_TOKEN": "t"}, True),
        ({"METRICS_ALLOW": ["0.0.0.0/0"], "METRICS_PATH": None}, False),
        ({"METRICS_ALLOW": ["10.0.0.0/8"]}, False),
    ],
)
def test_w103_a_metrics_page_for_everyone(given: dict[str, Any], expected: bool) -> None:
    with override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": [], "SERVICE_NAME": "orders", **given}):
        assert set(found(deploy=True)) == ({"django_observe.W103"} if expected else set())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"version": 1}, True),
        ({"version": 1, "disable_existing_loggers": True}, True),
        ({"version": 1, "disable_existing_loggers": False}, False),
        ({"version": 1, "incremental": True}, False),
        ({}, False),
    ],
)
def test_w104_logging_that_silences(given: dict[str, Any], expected: bool) -> None:
    with override_settings(LOGGING=given):
        assert ("django_observe.W104" in found(deploy=True)) is expected
        assert found() == {}


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("localhost:4318", True),
        ("collector", True),
        ("http://localhost:4318", False),
        ("https://c:4318", False),
    ],
)
def test_w005_an_endpoint_that_is_no_url(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, expected: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    assert ("django_observe.W005" in found()) is expected


def test_w105_lines_in_a_format_of_the_projects_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = logging.StreamHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [own])
    with override_settings(LOGGING={"version": 1, "disable_existing_loggers": False}):
        assert "django_observe.W105" in found(deploy=True)
        assert found() == {}
        own.setFormatter(JsonFormatter())
        assert "django_observe.W105" not in found(deploy=True)
