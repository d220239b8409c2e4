"""The settings, as one frozen typed object; the only reader of django.conf and of the environment.

`DJANGO_OBSERVE = {...}` in the project's settings holds what differs from the defaults. OpenTelemetry's own
variables (`OTEL_*`) are honoured as the specification has them and win over the settings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from django_observe import parsing, settingfaults
from django_observe.options import PRIVATE_NETWORKS, Settings
from django_observe.parsing import SettingError
from django_observe.reporting import guard

__all__ = ["PRIVATE_NETWORKS", "Settings", "settings"]

SETTING = "DJANGO_OBSERVE"
_SECRETS = frozenset({"METRICS_TOKEN", "BACKENDS"})
"""Whose values no fault shows; a URL may hold a password."""
PORT_VARIABLE = "OBSERVE_WORKER_METRICS_PORT"
HOST_VARIABLE = "OBSERVE_WORKER_METRICS_HOST"

_application = "django"
_configured = False


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings in force. Cached until Django says that a setting has changed.

    Raises:
        ImproperlyConfigured: every fault at once, with setting, value, what is accepted, what to do.
    """
    given = getattr(django_settings, SETTING, {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(settingfaults.no_mapping(SETTING, given))
    given = settingfaults.under_new_names(SETTING, given)
    values, faults = _parsed(given)
    if faults:
        raise ImproperlyConfigured("\n".join([f"{SETTING} has {len(faults)} fault(s):", *faults]))
    derived = _derived(values, given)
    return Settings(**values, **derived)


def known() -> Settings:
    """The settings in force, or the defaults where Django has none, as in a server's master process."""
    return settings() if configured() else Settings()


def configured() -> bool:
    """Whether Django has its settings yet; a server's master process logs without ever having any.

    Asked for each text that is scrubbed; Django's own answer takes longer than most of these.
    """
    global _configured
    if not _configured:
        _configured = bool(django_settings.configured)
    return _configured


def restarts_at_changes() -> bool:
    """Whether this process is runserver's (or runserver_plus's) own, ended and started at each change."""
    return "true" in (environment("RUN_MAIN"), environment("WERKZEUG_RUN_MAIN"))


def logging_left_alone() -> bool:
    """Whether the project has no logging of its own: no LOGGING, and Django's own way of applying it."""
    return not django_settings.LOGGING and bool(django_settings.LOGGING_CONFIG)


def logging_disables_existing() -> bool:
    """Whether LOGGING switches off the loggers that exist when it is applied (dictConfig's own default)."""
    given = django_settings.LOGGING
    return (
        bool(given) and not given.get("incremental") and given.get("disable_existing_loggers", True) is True
    )


def identity() -> tuple[str, str, str]:
    """Service name, environment and version, also of a process where Django has no settings."""
    if configured():
        known = settings()
        return known.service_name, known.environment, known.version
    resource = resource_attributes()
    name = environment("OTEL_SERVICE_NAME") or resource.get("service.name") or root_package()
    return name, resource.get("deployment.environment.name", ""), resource.get("service.version", "")


def assume_application(module: str) -> None:
    """Tells a process without Django's settings what it serves (`shop.wsgi`): that names the service."""
    global _application
    _application = module


def reload(*, setting: str, **_: object) -> None:
    """Receiver of Django's `setting_changed`: the next `settings()` reads anew."""
    if setting in {SETTING, "DEBUG", "SETTINGS_MODULE"}:
        settings.cache_clear()


def keys() -> dict[str, Field[Any]]:
    """The keys that `DJANGO_OBSERVE` may hold, with their dataclass fields."""
    return {entry.name.upper(): entry for entry in fields(Settings) if "parse" in entry.metadata}


def environment(name: str, default: str = "") -> str:
    """An environment variable, stripped."""
    return os.environ.get(name, default).strip()


def named_values() -> Iterator[tuple[str, Any]]:
    """Every environment variable, and every setting that can be read, the project's and Django's own."""
    for name in os.environ:
        yield name, environment(name)
    holder = django_settings._wrapped  # noqa: SLF001 - the object around it warns of deprecated names
    for name in filter(str.isupper, dir(django_settings) if configured() else ()):
        value = None
        with guard("conf"):
            value = getattr(holder, name, None)
        yield name, value


def set_environment(name: str, value: str | None) -> None:
    """Sets (None: removes) an environment variable of this process and of those it starts from now on."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def secret_key() -> str:
    """The project's SECRET_KEY, or nothing where it has none."""
    try:
        return str(django_settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


def urlconf() -> str:
    """The project's ROOT_URLCONF, or nothing where it has none."""
    return getattr(django_settings, "ROOT_URLCONF", "")


def middleware() -> tuple[str, ...]:
    """The project's MIDDLEWARE as it is now."""
    return tuple(django_settings.MIDDLEWARE) if configured() else ()


def otlp_endpoint(signal: str) -> str | None:
    """The OTLP endpoint the environment gives `signal` (traces, logs), or None: nothing is exported.

    Follows the OpenTelemetry specification's "OTLP Exporter Configuration" and OTEL_SDK_DISABLED, but for the
    default endpoint: there is none.
    """
    if environment("OTEL_SDK_DISABLED").lower() == "true":
        return None
    return otlp_variable(signal, "ENDPOINT") or None


def otlp_variable(signal: str, name: str) -> str:
    """OTEL_EXPORTER_OTLP_<SIGNAL>_<NAME>, else OTEL_EXPORTER_OTLP_<NAME>."""
    own = environment(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}")
    return own or environment(f"OTEL_EXPORTER_OTLP_{name}")


def credential_provider(signal: str) -> str:
    """The name of the provider of a session that signs what is exported, or nothing."""
    prefix = "OTEL_PYTHON_EXPORTER_OTLP_HTTP"
    own = environment(f"{prefix}_{signal.upper()}_CREDENTIAL_PROVIDER")
    return environment(f"{prefix}_CREDENTIAL_PROVIDER") or own


def exports(signal: str) -> bool:
    """Whether `signal` leaves by OTLP: there is an endpoint, and OTEL_<SIGNAL>_EXPORTER names `otlp`.

    Traces do where that variable is not set; logs only where it asks for them.
    """
    asked = environment(f"OTEL_{signal.upper()}_EXPORTER").lower() or ("otlp" if signal == "traces" else "")
    return "otlp" in map(str.strip, asked.split(",")) and otlp_endpoint(signal) is not None


def may_instrument(library: str) -> bool:
    """Whether OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names neither `library` nor `*`."""
    disabled = environment("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS").split(",")
    return not {library, "*"} & set(map(str.strip, disabled))


def resource_attributes() -> dict[str, str]:
    """OTEL_RESOURCE_ATTRIBUTES as the resource specification has it: comma-separated, percent-encoded."""
    pairs = (item.split("=", 1) for item in environment("OTEL_RESOURCE_ATTRIBUTES").split(",") if "=" in item)
    return {key.strip(): unquote(value.strip()) for key, value in pairs}


def _parsed(given: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    known, values, faults = keys(), {}, []
    for key, value in given.items():
        if key not in known:
            faults.append(settingfaults.unknown(SETTING, str(key), list(known)))
            continue
        try:
            values[known[key].name] = known[key].metadata["parse"](value)
        except SettingError as fault:
            shown = f"of type {type(value).__name__}" if key in _SECRETS else repr(value)
            faults.append(settingfaults.refused(f"{SETTING}['{key}']", shown, fault))
    if host := environment(HOST_VARIABLE):
        values["worker_metrics_host"] = host
    if port := environment(PORT_VARIABLE):
        try:
            values["worker_metrics_port"] = parsing.port_variable(port)
        except SettingError as fault:
            faults.append(settingfaults.refused(PORT_VARIABLE, repr(port), fault))
    defaults = {entry.name: entry.default for entry in fields(Settings)}
    return values, faults + settingfaults.same_paths(SETTING, defaults | values)


def _derived(values: dict[str, Any], given: Mapping[Any, Any]) -> dict[str, Any]:
    resource = resource_attributes()
    debug = bool(django_settings.DEBUG)
    from_environment = environment("OTEL_SERVICE_NAME") or resource.get("service.name", "")
    name, deployment, version = (values.pop(key, "") for key in ("service_name", "environment", "version"))
    chosen = from_environment or name
    source = "environment" if from_environment else "setting" if chosen else "default"
    deployment = resource.get("deployment.environment.name") or deployment
    return {
        "service_name": chosen or root_package(),
        "service_name_found": source,
        "environment": deployment or ("development" if debug else "production"),
        "version": resource.get("service.version") or version,
        "debug": debug,
        "trusted_peers_given": "TRUSTED_PEERS" in given,
        "metrics_allow_given": "METRICS_ALLOW" in given,
    }


def root_package() -> str:
    """The package of the settings module, else of what is served: the project's own."""
    module = environment("DJANGO_SETTINGS_MODULE")
    if not module and configured():
        module = str(getattr(django_settings, "SETTINGS_MODULE", None) or "")
    return (module or _application).split(".")[0]
