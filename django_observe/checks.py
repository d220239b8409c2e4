"""System checks, each with an id and a hint. All but the settings check only warn; `--deploy` has more.

| id | finds |
|---|---|
| `django_observe.E001` | faults in DJANGO_OBSERVE, which stop the start before that |
| `django_observe.E002` | the middleware listed more than once: every request would be counted twice |
| `django_observe.W001` | the middleware behind others: their answers and their time would go unseen |
| `django_observe.W002` | django-prometheus beside us: its middleware, backends and URLs can be removed |
| `django_observe.W003` | an OTLP protocol that is not http/protobuf, which is used all the same |
| `django_observe.W004` | OTLP headers (often an API key) sent over plain HTTP to a host that is not private |
| `django_observe.W005` | an OTLP endpoint that is no http:// or https:// URL: nothing would arrive |
| `django_observe.W006` | another kit's ID beside ours (django-guid, django-log-request-id): remove it |
| `django_observe.W007` | another kit's line per request or task, for which ours is left out |
| `django_observe.W008` | OpenTelemetry's own Django middleware in front of ours: strangers' traces go on |
| `django_observe.W009` | an OTLP endpoint with gRPC's port 4317 |
| `django_observe.W010` | the path of one signal in the OTLP endpoint of all |
| `django_observe.W011` | an OTEL_*_EXPORTER that names otlp while there is no endpoint: nothing is sent |
| `django_observe.W012` | OTLP headers that are no name=value |
| `django_observe.W013` | a sampler that OpenTelemetry does not know, or whose argument it cannot read |
| `django_observe.W014` | OpenTelemetry's own log handler beside ours: what it exports is not masked |
| `django_observe.W015` | a readiness check that cannot be called: the service would never be ready |
| `django_observe.W016` | a word of SCRUB_KEYS that is in names of all kinds: all of them are masked |
| `django_observe.W017` | a TracerProvider or instrumentors of the project's own, which can be removed |
| `django_observe.W101` | `--deploy`: TRUSTED_PEERS was not set on purpose |
| `django_observe.W102` | `--deploy`: the service's name is only a guess |
| `django_observe.W103` | `--deploy`: METRICS_ALLOW is not set on purpose, or has everybody, token or not |
| `django_observe.W104` | `--deploy`: LOGGING switches off the loggers that exist already |
| `django_observe.W105` | `--deploy`: LOGGING has formats of its own: without our fields, no secret masked |
| `django_observe.W106` | `--deploy`: CORS does not expose the header: code in browsers cannot read the ID |
| `django_observe.W107` | `--deploy`: every peer is trusted: strangers choose IDs and traces |
| `django_observe.W108` | `--deploy`: every host called is told the ID and the trace |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_observe import conf, middleware
from django_observe.reporting import guard

TAG = "observability"

Check = Callable[..., list[CheckMessage]]


def install() -> None:
    """Registers the checks. May be called again."""
    for check in (
        check_settings,
        check_middleware,
        check_export,
        check_kits,
        check_readiness,
        check_scrubbing,
    ):
        checks.register(check, TAG)
    checks.register(check_deployment, TAG, deploy=True)


def _listed(find: Callable[..., Iterator[CheckMessage]]) -> Check:
    """A check as Django calls it: it never raises. Faults in DJANGO_OBSERVE are E001's alone to report."""

    @wraps(find)
    def check(**_: Any) -> list[CheckMessage]:
        found: list[CheckMessage] = []
        with guard("checks"), suppress(ImproperlyConfigured):
            found.extend(find())
        return found

    return check


def check_settings(**_: Any) -> list[CheckMessage]:
    """E001."""
    try:
        conf.settings()
    except ImproperlyConfigured as faults:
        return [checks.Error(str(faults), hint="Correct the settings named.", id="django_observe.E001")]
    return []


@_listed
def check_middleware(**_: Any) -> Iterator[CheckMessage]:
    """E002 and W001."""
    listed = conf.middleware()
    if listed.count(middleware.PATH) > 1:
        yield checks.Error(
            f"MIDDLEWARE lists {middleware.PATH} {listed.count(middleware.PATH)} times.",
            hint="List it once, or not at all: it is then put first by itself.",
            id="django_observe.E002",
        )
    before = listed[: listed.index(middleware.PATH)] if middleware.PATH in listed else ()
    unseen = [path for path in before if not path.startswith("opentelemetry.")]
    if unseen:
        yield checks.Warning(
            f"MIDDLEWARE has {', '.join(unseen)} before {middleware.PATH}: what they answer is not observed.",
            hint="Put ours first, or take it out of the list: it is then put first by itself.",
            id="django_observe.W001",
        )


@_listed
def check_export(**_: Any) -> Iterator[CheckMessage]:
    """W003 to W005 and W009 to W013."""
    from django_observe import otlpchecks  # here, as most processes check nothing

    return otlpchecks.check_export()


@_listed
def check_kits(**_: Any) -> Iterator[CheckMessage]:
    """W002, W006 to W008, W014 and W017."""
    from django_observe import kitchecks

    return kitchecks.check_kits()


@_listed
def check_readiness(**_: Any) -> Iterator[CheckMessage]:
    """W015."""
    settings = conf.settings()
    for path in (settings.ready_checks or ()) if settings.ready_path is not None else ():
        fault = _fault_of(path)
        if fault:
            yield checks.Warning(
                f"READY_CHECKS names {path}, which cannot be called: {settings.ready_path} answers 503.",
                hint=f"Correct it ({fault}).",
                id="django_observe.W015",
            )


@_listed
def check_scrubbing(**_: Any) -> Iterator[CheckMessage]:
    """W016."""
    words = conf.settings().scrub_keys
    if words:
        from django_observe import secretnames

        common = [word for word in words if secretnames.is_common(word)]
        if common:
            yield checks.Warning(
                f"SCRUB_KEYS has {', '.join(map(repr, common))}: all names with that in them are masked.",
                hint="Write the names of the secrets whole, such as 'door_code'.",
                id="django_observe.W016",
            )


@_listed
def check_deployment(**_: Any) -> Iterator[CheckMessage]:
    """W101 to W108."""
    from django_observe import deploychecks

    return deploychecks.check_deployment()


def _fault_of(path: str) -> str:
    """Why a readiness check cannot be called; nothing where it can."""
    fault = "its module raises when it is imported"
    with guard("checks"):
        try:
            fault = "" if callable(import_string(path)) else "it is no function"
        except ImportError as error:
            fault = str(error)
    return fault
