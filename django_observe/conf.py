"""The settings, as one frozen typed object; the only reader of django.conf and of the environment.

`DJANGO_OBSERVE = {...}` in the project's settings holds what differs from the defaults. OpenTelemetry's own
variables (`OTEL_*`) are honoured as the specification has them and win over the settings.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, fields
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from django_observe import parsing
from django_observe.options import PRIVATE_NETWORKS, Settings
from django_observe.parsing import SettingError

__all__ = ["PRIVATE_NETWORKS", "Settings", "settings"]

SETTING = "DJANGO_OBSERVE"
_SECRETS = frozenset({"METRICS_TOKEN"})
_PATHS = ("metrics_path", "live_path", "ready_path")
PORT_VARIABLE = "OBSERVE_WORKER_METRICS_PORT"
HOST_VARIABLE = "OBSERVE_WORKER_METRICS_HOST"

_application = "django"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings in force. Cached until Django says that a setting has changed.

    Raises:
        ImproperlyConfigured: every fault at once, with setting, value, what is accepted, what to do.
    """
    given = getattr(django_settings, SETTING, {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(
            f"{SETTING} is {given!r}; accepted is a dict such as {{'SERVICE_NAME': 'orders'}}. "
            "Make it a dict, or leave it out."
        )
    values, faults = _parsed(given)
    if faults:
        raise ImproperlyConfigured("\n".join([f"{SETTING} has {len(faults)} fault(s):", *faults]))
    derived = _derived(values, given)
    return Settings(**values, **derived)


def configured() -> bool:
    """Whether Django has its settings yet; a server's master process logs without ever having any."""
    return bool(django_settings.configured)


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
    name = environment("OTEL_SERVICE_NAME") or resource.get("service.name") or _root_package()
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


def set_environment(name: str, value: str | None) -> None:
    """Sets (None: removes) an environment variable of this process and of those it starts from now on."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def urlconf() -> str:
    """The project's ROOT_URLCONF, or nothing where it has none."""
    return getattr(django_settings, "ROOT_URLCONF", "")


def middleware() -> tuple[str, ...]:
    """The project's MIDDLEWARE as it is now."""
    return tuple(django_settings.MIDDLEWARE) if configured() else ()


@contextmanager
def environment_default(name: str, value: str) -> Iterator[None]:
    """Gives a variable that is unset a value for the duration of a block; child processes never see it."""
    if environment(name):
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)


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
            faults.append(_unknown(str(key), list(known)))
            continue
        try:
            values[known[key].name] = known[key].metadata["parse"](value)
        except SettingError as fault:
            shown = f"of type {type(value).__name__}" if key in _SECRETS else repr(value)
            faults.append(f"- {SETTING}['{key}'] is {shown}; accepted is {fault.accepted}. {fault.remedy}")
    if host := environment(HOST_VARIABLE):
        values["worker_metrics_host"] = host
    port = environment(PORT_VARIABLE)
    if port:
        try:
            values["worker_metrics_port"] = parsing.port_variable(port)
        except SettingError as fault:
            faults.append(f"- {PORT_VARIABLE} is {port!r}; accepted is {fault.accepted}. {fault.remedy}")
    return values, faults + _same_paths(values)


def _same_paths(values: Mapping[str, Any]) -> list[str]:
    defaults = {entry.name: entry.default for entry in fields(Settings)}
    paths = [values.get(name, defaults[name]) for name in _PATHS]
    twice = {path for path in paths if path is not None and paths.count(path) > 1}
    return [
        f"- {SETTING}: {', '.join(map(str.upper, _PATHS))} have {path!r} more than once; accepted is a path "
        "for each, or None. Give each its own."
        for path in twice
    ]


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key.upper(), known, n=1, cutoff=0.5)
    remedy = f"Did you mean '{near[0]}'?" if near else "Remove it."
    return f"- {SETTING}['{key}'] is not a setting; accepted are {', '.join(sorted(known))}. {remedy}"


def _derived(values: dict[str, Any], given: Mapping[Any, Any]) -> dict[str, Any]:
    resource = resource_attributes()
    debug = bool(django_settings.DEBUG)
    from_environment = environment("OTEL_SERVICE_NAME") or resource.get("service.name", "")
    chosen = from_environment or values.pop("service_name", "")
    source = "environment" if from_environment else "setting" if chosen else "default"
    values.pop("service_name", None)
    deployment = resource.get("deployment.environment.name") or values.pop("environment", "")
    values.pop("environment", None)
    version = resource.get("service.version") or values.pop("version", "")
    values.pop("version", None)
    return {
        "service_name": chosen or _root_package(),
        "service_name_found": source,
        "environment": deployment or ("development" if debug else "production"),
        "version": version,
        "debug": debug,
        "trusted_peers_given": "TRUSTED_PEERS" in given,
    }


def _root_package() -> str:
    module = environment("DJANGO_SETTINGS_MODULE")
    if not module and configured():
        module = str(getattr(django_settings, "SETTINGS_MODULE", None) or "")
    return (module or _application).split(".")[0]
