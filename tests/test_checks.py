"""The system checks: each finds its fault, has an id and a hint, and stays quiet otherwise."""

from __future__ import annotations

import inspect
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import checks as django_checks
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from django.test import modify_settings, override_settings
from opentelemetry.sdk.trace import sampling

from django_observe import checks, conf, deploychecks, kitchecks, middleware, otlpchecks, secretnames
from django_observe.json import JsonFormatter
from django_observe.testing import captured

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
ON_PURPOSE: dict[str, Any] = {"TRUSTED_PEERS": [], "METRICS_ALLOW": [], "SERVICE_NAME": "orders"}
COMMON = "django.middleware.common.CommonMiddleware"


@pytest.fixture(autouse=True)
def no_otel(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in filter(lambda each: each.startswith("OTEL_"), list(os.environ)):
        monkeypatch.delenv(name, raising=False)


def found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Ours among what `manage.py check` finds, by id."""
    messages = django_checks.run_checks(include_deployment_checks=deploy)
    ours = {str(each.id): each for each in messages if str(each.id).startswith("django_observe.")}
    assert all(each.hint for each in ours.values())
    return ours


def test_a_plain_project_has_nothing_to_correct() -> None:
    assert found() == {}


def test_what_a_test_captures_by_is_not_taken_for_the_projects() -> None:
    with captured():
        assert found() == {}


def test_installing_again_registers_nothing_twice() -> None:
    before = (len(registry.registered_checks), len(registry.deployment_checks))
    checks.install()
    assert (len(registry.registered_checks), len(registry.deployment_checks)) == before


def test_the_table_in_the_docstring_is_complete() -> None:
    source = Path(checks.__file__).read_text(encoding="utf-8")
    table, _, code = source.partition('"""\n\nfrom')
    code += "".join(map(inspect.getsource, (kitchecks, otlpchecks, deploychecks)))
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
        ([middleware.OPENTELEMETRY, middleware.PATH], {"django_observe.W008"}),
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
def test_e002_w001_w002_w008_the_middleware(listed: list[str], ids: set[str]) -> None:
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
@pytest.mark.parametrize("told", [["*"], ["shop.example"]])
def test_w004_headers_over_plain_http(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, headers: str, expected: bool, told: list[str]
) -> None:
    """Whom the project tells its IDs says little of where headers may be read."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    with override_settings(DJANGO_OBSERVE={"PROPAGATE_TO": told}):
        messages = found()
    assert ("django_observe.W004" in messages) is expected
    assert "canary" not in str(messages)


def test_w101_w102_w103_what_is_left_to_defaults_at_deployment() -> None:
    with override_settings(DJANGO_OBSERVE={}):
        assert set(found(deploy=True)) == {f"django_observe.W10{number}" for number in (1, 2, 3)}
        assert "'tests'" in found(deploy=True)["django_observe.W102"].msg
        assert found() == {}
    with override_settings(DJANGO_OBSERVE=ON_PURPOSE):
        assert found(deploy=True) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"METRICS_ALLOW": ["0.0.0.0/0"]}, True),
        ({"METRICS_ALLOW": ["10.0.0.0/8", "::/0"]}, True),
        ({"METRICS_ALLOW": ["0.0.0.0/0"], "METRICS_TOKEN": "t"}, True),
        ({"METRICS_ALLOW": ["0.0.0.0/0"], "METRICS_PATH": None}, False),
        ({"METRICS_ALLOW": ["0.0.0.0/0"], "METRICS": False}, False),
        ({"METRICS_ALLOW": ["10.0.0.0/8"]}, False),
        ({"METRICS_ALLOW": [], "METRICS_TOKEN": "t"}, False),
        ({}, True),
        ({"METRICS_TOKEN": "t"}, True),
        ({"METRICS_PATH": None}, False),
    ],
)
def test_w103_a_metrics_page_for_everyone(given: dict[str, Any], expected: bool) -> None:
    with override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": [], "SERVICE_NAME": "orders", **given}):
        assert set(found(deploy=True)) == ({"django_observe.W103"} if expected else set())
        assert found() == {}


@pytest.mark.parametrize(
    ("words", "common"),
    [
        (["door_code", "iban", "X-Customer-Number"], []),
        (["door_code", "id"], ["id"]),
        (["Code", "na-me", "pin", "___"], ["Code", "na-me", "pin"]),
    ],
)
def test_w016_words_that_are_in_names_of_all_kinds(words: list[str], common: list[str]) -> None:
    with override_settings(DJANGO_OBSERVE={"SCRUB_KEYS": words}):
        messages = found()
        assert all(secretnames.is_secret(f"shop_{word}_s") for word in common)
    assert set(messages) == ({"django_observe.W016"} if common else set())
    if common:
        assert f"has {', '.join(map(repr, common))}:" in messages["django_observe.W016"].msg


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
        ("http://[::1:4318", True),
        ("http://collector:port", True),
        ("http://", True),
        ("http://localhost:4318", False),
        ("https://c:4318", False),
    ],
)
def test_w005_an_endpoint_that_is_no_url(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, expected: bool
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    assert ("django_observe.W005" in found()) is expected


def test_w005_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "user:canary@collector:4318")
    assert "canary" not in str(found()["django_observe.W005"])


def test_w105_lines_in_a_format_of_the_projects_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = logging.StreamHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [own])
    with override_settings(LOGGING={"version": 1, "disable_existing_loggers": False}):
        assert "django_observe.W105" in found(deploy=True)
        assert found() == {}
        own.setFormatter(JsonFormatter())
        assert "django_observe.W105" not in found(deploy=True)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}, {"W009"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4317/v1/traces"}, {"W009"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, {"W010"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, set()),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {"W011"}),
        ({"OTEL_LOGS_EXPORTER": "console, otlp"}, {"W011"}),
        ({"OTEL_LOGS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, set()),
        ({"OTEL_LOGS_EXPORTER": "otlp", **ENDPOINT}, set()),
        ({"OTEL_TRACES_EXPORTER": "none"}, set()),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key: canary", **ENDPOINT}, {"W012"}),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary,tenant=a", **ENDPOINT}, set()),
        ({"OTEL_TRACES_SAMPLER": "always", **ENDPOINT}, {"W013"}),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", **ENDPOINT}, {"W013"}),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10%", **ENDPOINT}, {"W013"}),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10", **ENDPOINT}, {"W013"}),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1", **ENDPOINT}, set()),
        ({"OTEL_TRACES_SAMPLER": "Parentbased_Always_Off", **ENDPOINT}, set()),
        ({"OTEL_TRACES_SAMPLER": "always"}, set()),
    ],
)
def test_w009_to_w013_opentelemetrys_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: set[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    messages = found()
    assert set(messages) == {f"django_observe.{each}" for each in expected}
    assert "canary" not in str(messages)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_LOGS_EXPORTER": "otlp"}, ["OTEL_EXPORTER_OTLP_ENDPOINT"]),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:4317"}, ["OTEL_EXPORTER_OTLP_ENDPOINT"]),
        (
            {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:4317"},
            ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"],
        ),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
    ],
)
def test_a_variable_is_named_once_and_only_where_something_is_exported(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: list[str]
) -> None:
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", **variables}.items():
        monkeypatch.setenv(name, value)
    messages = [each for each in django_checks.run_checks() if each.id == "django_observe.W009"]
    assert [each.msg.partition(" ")[0] for each in messages] == named


def test_every_sampler_of_the_sdk_is_known() -> None:
    named = {f"{prefix}{name}" for name in otlpchecks.SAMPLERS for prefix in ("", "parentbased_")}
    assert named == set(sampling._KNOWN_SAMPLERS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"READY_CHECKS": ["tests.views.ok"]}, set()),
        ({"READY_CHECKS": ["tests.views.ok", "tests.views.nowhere"]}, {"django_observe.W015"}),
        ({"READY_CHECKS": ["nowhere.at.all"]}, {"django_observe.W015"}),
        ({"READY_CHECKS": ["tests.views.__name__"]}, {"django_observe.W015"}),
        ({"READY_CHECKS": ["nowhere.at.all"], "READY_PATH": None}, set()),
    ],
)
def test_w015_a_readiness_check_that_cannot_be_imported(given: dict[str, Any], expected: set[str]) -> None:
    with override_settings(DJANGO_OBSERVE=given):
        messages = found()
    assert set(messages) == expected
    assert "tests.views.ok" not in str(messages)


def test_w106_a_header_that_browsers_hide() -> None:
    with modify_settings(INSTALLED_APPS={"append": "corsheaders"}):
        with override_settings(DJANGO_OBSERVE=ON_PURPOSE):
            assert set(found(deploy=True)) == {"django_observe.W106"}
            assert found() == {}
            for exposed in ("x-correlation-id", "*"):
                with override_settings(CORS_EXPOSE_HEADERS=[exposed]):
                    assert found(deploy=True) == {}
        with override_settings(DJANGO_OBSERVE={**ON_PURPOSE, "CORRELATION_HEADER": None}):
            assert found(deploy=True) == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"TRUSTED_PEERS": ["0.0.0.0/0"]}, "django_observe.W107"),
        ({"PROPAGATE_TO": ["<private>", "*"]}, "django_observe.W108"),
    ],
)
def test_w107_w108_networks_without_a_limit(given: dict[str, Any], expected: str) -> None:
    with override_settings(DJANGO_OBSERVE={**ON_PURPOSE, **given}):
        assert set(found(deploy=True)) == {expected}
        assert found() == {}


def test_a_readiness_check_whose_module_raises_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raisingcheck.py").write_text("raise RuntimeError('no database')")
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(DJANGO_OBSERVE={"READY_CHECKS": ["raisingcheck.ready"]}):
        assert "raisingcheck.ready" in found()["django_observe.W015"].msg


@pytest.mark.parametrize(
    ("switched", "ids"),
    [({}, {"W002", "W008"}), ({"METRICS": False}, {"W008"}), ({"TRACES": False}, {"W002"})],
)
def test_what_a_switch_leaves_to_another_kit_is_not_to_be_removed(
    switched: dict[str, Any], ids: set[str]
) -> None:
    counting = "django_prometheus.middleware.PrometheusBeforeMiddleware"
    listed = [middleware.OPENTELEMETRY, middleware.PATH, counting]
    with override_settings(MIDDLEWARE=listed, DJANGO_OBSERVE=switched):
        assert set(found()) == {f"django_observe.{each}" for each in ids}
