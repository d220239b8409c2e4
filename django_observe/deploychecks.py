"""System checks of `--deploy`: what was left to defaults, and what is open to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage

from django_observe import conf, logwiring


def check_deployment() -> Iterator[CheckMessage]:
    """W101 to W108."""
    yield from _defaults()
    yield from _metrics_page()
    yield from _networks()
    yield from _logging()
    header = conf.settings().correlation_header
    if header is not None and not _is_exposed(header):
        yield checks.Warning(
            f"CORS_EXPOSE_HEADERS leaves {header} out: browsers hide it from your code.",
            hint=f"Add {header!r} to CORS_EXPOSE_HEADERS.",
            id="django_observe.W106",
        )


def _defaults() -> Iterator[CheckMessage]:
    settings = conf.settings()
    if not settings.trusted_peers_given:
        yield checks.Warning(
            "DJANGO_OBSERVE['TRUSTED_PEERS'] is not set: every private address is believed.",
            hint="Name the networks of your proxies and services, such as ['10.1.0.0/16']; [] trusts nobody.",
            id="django_observe.W101",
        )
    if settings.service_name_found == "default":
        yield checks.Warning(
            f"The service is called {settings.service_name!r}, after its settings module.",
            hint="Set OTEL_SERVICE_NAME, or DJANGO_OBSERVE['SERVICE_NAME'].",
            id="django_observe.W102",
        )


def _metrics_page() -> Iterator[CheckMessage]:
    """A proxy that passes requests on and adds no header is a private peer like any other."""
    settings = conf.settings()
    everyone = [network for network in settings.metrics_allow if network.prefixlen == 0]
    if not settings.metrics or settings.metrics_path is None:
        return
    if everyone or not settings.metrics_allow_given:
        yield checks.Warning(
            f"DJANGO_OBSERVE['METRICS_ALLOW'] has {everyone[0]}: every peer may read {settings.metrics_path}."
            if everyone
            else f"DJANGO_OBSERVE['METRICS_ALLOW'] is not set: every private address may read "
            f"{settings.metrics_path}, and through a proxy that adds no X-Forwarded-For everybody.",
            hint="Name the networks Prometheus asks from, or set METRICS_TOKEN and an empty METRICS_ALLOW.",
            id="django_observe.W103",
        )


def _networks() -> Iterator[CheckMessage]:
    settings = conf.settings()
    strangers = [network for network in settings.trusted_peers if network.prefixlen == 0]
    if strangers:
        yield checks.Warning(
            f"TRUSTED_PEERS has {strangers[0]}: every caller chooses the ID, and which trace is continued.",
            hint="Name the networks of your proxies and services, such as ['10.1.0.0/16'].",
            id="django_observe.W107",
        )
    if "*" in settings.propagate_to:
        yield checks.Warning(
            "PROPAGATE_TO has '*': every host that is called is told the ID and the trace.",
            hint="Name your own services, such as ['*.internal', '<private>'].",
            id="django_observe.W108",
        )


def _logging() -> Iterator[CheckMessage]:
    """Only at deployment, as a setting of the project's own that we do not depend on."""
    if conf.logging_disables_existing():
        yield checks.Warning(
            "LOGGING has disable_existing_loggers on: loggers of libraries imported before fall silent.",
            hint='Set "disable_existing_loggers": False in LOGGING.',
            id="django_observe.W104",
        )
    if not conf.logging_left_alone() and not logwiring.speaks_json():
        yield checks.Warning(
            "LOGGING has formats of its own: lines lack our fields, and secrets in them are not masked.",
            hint='Let a formatter be {"()": "django_observe.json.JsonFormatter"}.',
            id="django_observe.W105",
        )


def _is_exposed(header: str) -> bool:
    """Whether CORS, where django-cors-headers answers for it, lets code in browsers read a header."""
    if not apps.is_installed("corsheaders"):
        return True
    exposed = {name.lower() for name in import_module("corsheaders.conf").conf.CORS_EXPOSE_HEADERS}
    return not exposed.isdisjoint({header.lower(), "*"})
