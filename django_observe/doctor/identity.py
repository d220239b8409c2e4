"""The hop of the service's name: everything else is found by it."""

from __future__ import annotations

from collections.abc import Iterator

from django_observe import conf
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, OK, Finding

HOP = "service name"


def examine(canary: Canary) -> Iterator[Finding]:  # noqa: ARG001 - each hop is asked alike
    """Whether somebody chose the name; a guess is the name of a package, such as `config`."""
    settings = conf.settings()
    name = settings.service_name
    if settings.service_name_found == "default" and not settings.debug:
        yield Finding(
            HOP,
            BROKEN,
            f"{name!r} is a guess, after the settings module",
            cause="neither OTEL_SERVICE_NAME nor DJANGO_OBSERVE['SERVICE_NAME'] is set: services of the same "
            "layout get the same name, and are one in every trace, line and dashboard",
            change=f"OTEL_SERVICE_NAME={name}    # or what you call it",
        )
        return
    chosen = {"environment": "by the environment", "setting": "by DJANGO_OBSERVE['SERVICE_NAME']"}
    how = chosen.get(settings.service_name_found, "a guess, which DEBUG lets pass")
    version = f" {settings.version}" if settings.version else ""
    yield Finding(HOP, OK, f"{name}{version}, {settings.environment} ({how})")
