"""Settings: every fault at once, each with setting, value, what is accepted and what to do."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_observe import conf, settingfaults


def given(**values: Any) -> override_settings:
    return override_settings(DJANGO_OBSERVE=values)


def faults(**values: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught, given(**values):
        conf.settings()
    return str(caught.value)


@pytest.mark.parametrize("key", sorted(conf.keys()))
def test_every_setting_refuses_what_it_does_not_take_and_says_what_it_takes(key: str) -> None:
    value = object()
    text = faults(**{key: value})
    shown = "of type object" if key in {"METRICS_TOKEN", "BACKENDS"} else repr(value)
    assert f"DJANGO_OBSERVE['{key}'] is {shown}; accepted is " in text
    accepted, _, remedy = text.partition("accepted is ")[2].partition(". ")
    assert len(accepted) > len("a path")
    assert len(remedy) > len("Use it.")


@pytest.mark.parametrize("key", sorted(conf.keys()))
def test_every_setting_has_a_meaning_for_the_reference(key: str) -> None:
    assert conf.keys()[key].metadata["doc"].endswith(".")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("SERVICE_NAME", value) for value in (5, None)],
        *[("LOGS", value) for value in ("json", "", 1, None)],
        *[("CELERY", value) for value in (1, "yes", None)],
        *[("LOG_FORMAT", value) for value in ("xml", "", None)],
        *[("LOG_LEVEL", value) for value in ("LOUD", 20)],
        *[("CORRELATION_HEADER", value) for value in ("X Id", "", "X:Id", "X\r\nId")],
        *[("CORRELATION_HEADERS", value) for value in ("X-Id", ["X Id"])],
        *[("TRUSTED_PEERS", value) for value in ("10.0.0.0/8", ["10.0.0.0/99"], ["proxy"], [5])],
        *[("PROPAGATE_TO", value) for value in ("orders", ["http://orders"], ["orders/x"], [7])],
        *[("METRICS_PATH", value) for value in ("metrics", "", "/with space", "/\n", False)],
        *[("READY_TIMEOUT", value) for value in (0, -1, "2", True, float("nan"), float("inf"), 100_000)],
        *[("READY_CHECKS", value) for value in ("shop.check", ["check"], [print])],
        *[("QUIET_PATHS", value) for value in ("/ping", ["ping"])],
        *[("WORKER_METRICS_PORT", value) for value in (0, 65_536, "9808", True)],
        *[("SCRUB_KEYS", value) for value in ("iban", [""], [3])],
        *[("PATH_PARAMETERS", value) for value in ("*", [""], [3])],
        *[("QUERY_PARAMETERS", value) for value in ("page", [None])],
        *[("USER_ID", value) for value in (True, "name", None)],
        *[("CLIENT_IP", value) for value in (False, "/24", None)],
        *[("USER_AGENT", value) for value in ("yes", None)],
        *[("SCRUB_PATTERNS", value) for value in ("x", ["("], ["a*"], [b"x"], [3], [re.compile("")])],
    ],
)
def test_values_that_are_refused(key: str, value: Any) -> None:
    assert f"DJANGO_OBSERVE['{key}'] is {value!r}; accepted is " in faults(**{key: value})


def test_a_pattern_that_is_refused_is_named_with_what_is_wrong_and_where() -> None:
    given = [r"cust-\d+", "ab(cd", r"\d*"]
    assert "Mend 'ab(cd': missing ), unterminated subpattern at position 2." in faults(SCRUB_PATTERNS=given)
    assert "'\\\\d*' matches the empty text" in faults(SCRUB_PATTERNS=given[::2])


@pytest.mark.parametrize("value", ["", 5, b"s3cret-bytes"])
def test_a_token_that_is_refused_is_not_shown(value: Any) -> None:
    text = faults(METRICS_TOKEN=value)
    assert f"DJANGO_OBSERVE['METRICS_TOKEN'] is of type {type(value).__name__}; accepted is " in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("http://loki:3100", "Make it a dict."),
        ({"tempo": "http://tempo:3200"}, "'tempo' is none of these."),
        ({"loki": "me:s3cret@loki:3100"}, "Give loki as http://host:port, https://host or "),
        ({"loki": None}, "Give loki as http://host:port, https://host or "),
    ],
)
def test_backends_that_are_refused_are_not_shown(value: Any, remedy: str) -> None:
    text = faults(BACKENDS=value)
    assert (
        f"DJANGO_OBSERVE['BACKENDS'] is of type {type(value).__name__}; accepted is a dict such as " in text
    )
    assert remedy in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("key", "example"),
    [("PATH_PARAMETERS", "['slug', '*_slug']"), ("QUERY_PARAMETERS", "['page', 'utm_*']")],
)
def test_the_example_is_one_of_the_setting(key: str, example: str) -> None:
    assert f"accepted is a list of names or patterns, such as {example}. " in faults(**{key: "x"})


def test_each_of_our_paths_is_its_own() -> None:
    assert "METRICS_PATH, LIVE_PATH, READY_PATH have '/x' more than once" in faults(
        METRICS_PATH="/x", LIVE_PATH="/x"
    )
    assert "'/readyz'" in faults(LIVE_PATH="/readyz")


def test_a_reporter_that_cannot_be_imported_is_named() -> None:
    assert "DJANGO_OBSERVE['LOGS'] is 'nope.mod.report'" in faults(LOGS="nope.mod.report")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("SERVICE_NAME", " orders ", "orders"),
        ("SERVICE_NAME", "", "tests"),
        ("ENVIRONMENT", "", "production"),
        ("VERSION", "", ""),
        ("LOGS", False, False),
        ("TRACES", "tests.views.ok", "tests.views.ok"),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("CORRELATION_HEADER", None, None),
        ("CORRELATION_HEADERS", ["X-Id"], ("X-Id",)),
        ("TRUSTED_PEERS", [], ()),
        ("TRUSTED_PEERS", ["10.1.2.3/8", "::1"], (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
        (
            "PROPAGATE_TO",
            {
                "Orders",
            },
            ("orders",),
        ),
        ("PROPAGATE_TO", ["*.Internal", "<private>", "*"], ("*.internal", "<private>", "*")),
        ("METRICS_PATH", None, None),
        ("READY_TIMEOUT", 1, 1.0),
        ("READY_CHECKS", ("shop.health.warehouse",), ("shop.health.warehouse",)),
        ("READY_CHECKS", None, None),
        ("WORKER_METRICS_PORT", None, None),
        ("SCRUB_KEYS", ["iban"], ("iban",)),
        ("PATH_PARAMETERS", ["slug", "*_slug"], ("slug", "*_slug")),
        ("QUERY_PARAMETERS", ("page",), ("page",)),
        ("USER_ID", "Hash", "hash"),
        ("CLIENT_IP", "address", "address"),
        ("USER_AGENT", True, True),
        ("BACKENDS", {"loki": "http://loki:3100/"}, (("loki", "http://loki:3100"),)),
        ("BACKENDS", {"jaeger": "https://me:pw@a.example/ui"}, (("jaeger", "https://me:pw@a.example/ui"),)),
        ("SCRUB_PATTERNS", ["x", re.compile("y")], (re.compile("x"), re.compile("y"))),
    ],
)
def test_values_that_are_taken(key: str, value: Any, expected: Any) -> None:
    with given(**{key: value}):
        assert getattr(conf.settings(), key.lower()) == expected


def test_all_faults_are_reported_together() -> None:
    text = faults(LOG_FORMAT="xml", METRICS_PATH="metrics", SERVISE_NAME="x", READY_TIMEOUT=0)
    assert text.startswith("DJANGO_OBSERVE has 4 fault(s):")
    assert len(text.splitlines()) == 5


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("SERVISE_NAME", "SERVICE_NAME"),
        ("service_name", "SERVICE_NAME"),
        ("TRUST_PEERS", "TRUSTED_PEERS"),
        ("LOGFORMAT", "LOG_FORMAT"),
        ("METRIC_PATH", "METRICS_PATH"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(key: str, near: str) -> None:
    assert f"DJANGO_OBSERVE['{key}'] is not a setting" in faults(**{key: 1})
    assert f"Did you mean '{near}'?" in faults(**{key: 1})


@pytest.mark.parametrize("key", ["QZX", "DEBUG", "SERVICE_NAME_FOUND", "TRUSTED_PEERS_GIVEN"])
def test_what_is_no_setting_is_refused(key: str) -> None:
    assert (
        f"DJANGO_OBSERVE['{key}'] is not a setting; accepted are BACKENDS, BACKGROUND_TASKS, CELERY, "
        in faults(**{key: 1})
    )


@pytest.mark.parametrize("value", [None, [], "orders", 5])
def test_what_is_no_dict_is_refused(value: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as caught, override_settings(DJANGO_OBSERVE=value):
        conf.settings()
    assert f"DJANGO_OBSERVE is {value!r}; accepted is a dict" in str(caught.value)


def test_override_settings_takes_effect_and_ends() -> None:
    before = conf.settings()
    with given(SERVICE_NAME="orders", ENVIRONMENT="staging", VERSION="1.2"):
        settings = conf.settings()
        assert (settings.service_name, settings.environment, settings.version) == ("orders", "staging", "1.2")
        assert settings is conf.settings()
        with override_settings(DEBUG=True):
            assert conf.settings().debug is True
    assert conf.settings() == before


def test_the_environment_wins_over_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-variable")
    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=lost,service.version=9,deployment.environment.name=be%C3%A7ika,odd",
    )
    monkeypatch.setenv("OBSERVE_WORKER_METRICS_PORT", "9999")
    monkeypatch.setenv("OBSERVE_WORKER_METRICS_HOST", "0.0.0.0")  # noqa: S104
    with given(SERVICE_NAME="s", VERSION="1", ENVIRONMENT="e", WORKER_METRICS_PORT=1):
        settings = conf.settings()
    assert (settings.service_name, settings.service_name_found) == ("from-variable", "environment")
    assert (settings.version, settings.environment) == ("9", "beçika")
    assert (settings.worker_metrics_host, settings.worker_metrics_port) == ("0.0.0.0", 9_999)  # noqa: S104


@pytest.mark.parametrize(("variable", "port"), [("", 1), (" ", 1), ("0", None), ("65535", 65_535)])
def test_the_worker_port_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, port: int | None
) -> None:
    monkeypatch.setenv("OBSERVE_WORKER_METRICS_PORT", variable)
    with given(WORKER_METRICS_PORT=1):
        assert conf.settings().worker_metrics_port == port


@pytest.mark.parametrize(
    "variable", ["abc", "65536", "70000", "-1", "9808.0", "\u00b2", "0009808", "9" * 5_000]
)
def test_a_worker_port_that_is_none_is_a_fault_like_any_other(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("OBSERVE_WORKER_METRICS_PORT", variable)
    text = faults(LOG_FORMAT="xml")
    assert text.startswith("DJANGO_OBSERVE has 2 fault(s):")
    assert f"- OBSERVE_WORKER_METRICS_PORT is {variable!r}; accepted is a port from 1 to 65535" in text


def test_a_resource_attribute_names_the_service_where_its_variable_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=orders")
    with given(SERVICE_NAME="other"):
        assert conf.settings().service_name == "orders"


def test_the_settings_module_names_the_service_where_nobody_does() -> None:
    with given():
        assert conf.settings().service_name == "tests"
        assert conf.settings().service_name_found == "default"
    with given(SERVICE_NAME="orders"):
        assert conf.settings().service_name_found == "setting"


def test_the_environment_follows_debug_where_nobody_names_it() -> None:
    with given(), override_settings(DEBUG=True):
        assert conf.settings().environment == "development"
    with given(), override_settings(DEBUG=False):
        assert conf.settings().environment == "production"


def test_it_is_known_whether_trusted_peers_were_set_on_purpose() -> None:
    with given():
        assert conf.settings().trusted_peers_given is False
    with given(TRUSTED_PEERS=["10.0.0.0/8"]):
        assert conf.settings().trusted_peers_given is True


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318"}, "http://all:4318"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://own"},
            "http://own",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://all", "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
    ],
)
def test_without_an_endpoint_nothing_is_exported(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str | None
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert conf.otlp_endpoint("traces") == endpoint


@pytest.mark.parametrize(
    ("exporter", "traces", "logs"),
    [
        (None, True, False),
        ("", True, False),
        ("none", False, False),
        ("console, OTLP", True, True),
        ("none,otlpx", False, False),
    ],
)
def test_spans_are_exported_unless_and_logs_only_if_asked_for(
    exporter: str | None, traces: bool, logs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for signal in ("TRACES", "LOGS"):
        name = f"OTEL_{signal}_EXPORTER"
        monkeypatch.delenv(name, raising=False) if exporter is None else monkeypatch.setenv(name, exporter)
    assert not conf.exports("traces"), "there is no endpoint"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert (conf.exports("traces"), conf.exports("logs")) == (traces, logs)


@pytest.mark.parametrize(
    ("disabled", "may"), [("", True), ("redis, httpx", True), ("redis , celery", False), ("*", False)]
)
def test_an_instrumentation_can_be_disabled_by_its_name_or_with_all(
    disabled: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", disabled)
    assert conf.may_instrument("celery") is may


@pytest.mark.parametrize(
    ("logging", "config", "alone"),
    [
        ({}, "logging.config.dictConfig", True),
        (None, "logging.config.dictConfig", True),
        ({"version": 1}, "logging.config.dictConfig", False),
        ({}, None, False),
    ],
)
def test_logging_left_alone_is_told_from_logging_of_the_project(
    logging: Any, config: Any, alone: bool
) -> None:
    with override_settings(LOGGING=logging, LOGGING_CONFIG=config):
        assert conf.logging_left_alone() is alone


def test_a_renamed_setting_is_known_by_its_old_name_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settingfaults.RENAMED, "SERVICE", ("SERVICE_NAME", "0.3"))
    told = r"\['SERVICE'\] is now called 'SERVICE_NAME'.*0\.3 will not know it"
    with pytest.warns(DeprecationWarning, match=told), given(SERVICE="orders"):
        assert conf.settings().service_name == "orders"
    with pytest.warns(DeprecationWarning, match=told), given(SERVICE="old", SERVICE_NAME="new"):
        assert conf.settings().service_name == "new"
