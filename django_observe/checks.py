"""System checks, each with an id and a hint. All but the settings check only warn; `--deploy` has more.

| id | finds |
|---|---|
| `django_observe.E001` | faults in DJANGO_OBSERVE |
| `django_observe.E002` | the middleware listed more than once: every request would be counted twice |
| `django_observe.W001` | the middleware behind others: their answers and their time would go unseen |
| `django_observe.W002` | django_prometheus' middleware beside ours: it can be removed |
| `django_observe.W003` | an OTLP protocol that is not http/protobuf, which is used all the same |
| `django_observe.W004` | OTLP headers (often an API key) sent over plain HTTP to a host that is not private |
| `django_observe.W005` | an OTLP endpoint that is no http:// or https:// URL: nothing would arrive |
| `django_observe.W101` | `--deploy`: TRUSTED_PEERS was not set on purpose |
| `django_observe.W102` | `--deploy`: the service's name is only a guess |
| `django_observe.W103` | `--deploy`: the metrics page is open to every peer, with or without a token |
| `django_observe.W104` | `--deploy`: LOGGING switches off the loggers that exist already |
| `django_observe.W105` | `--deploy`: LOGGING has formats of its own: no JSON, and no secret is masked |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from django_observe import conf, logwiring, middleware, trust
from django_observe.superseded import superseded

TAG = "observability"
SIGNALS = ("traces", "logs")
SUPPORTED_PROTOCOL = "http/protobuf"

Check = Callable[..., list[CheckMessage]]


def install() -> None:
    """Registers the checks. May be called again."""
    for check in (check_settings, check_middleware, check_export):
        checks.register(check, TAG)
    for check in (check_deployment, check_logging):
        checks.register(check, TAG, deploy=True)


def _listed(find: Callable[..., Iterator[CheckMessage]]) -> Check:
    """A check as Django calls it; faults in DJANGO_OBSERVE are E001's alone to report."""

    @wraps(find)
    def check(**_: Any) -> list[CheckMessage]:
        try:
            return list(find())
        except ImproperlyConfigured:
            return []

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
    """E002, W001 and W002."""
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
    theirs = superseded().paths
    if theirs:
        yield checks.Warning(
            f"MIDDLEWARE has {', '.join(theirs)}, which count under the same names as django_observe.",
            hint="Remove them: names and labels stay the same.",
            id="django_observe.W002",
        )


@_listed
def check_export(**_: Any) -> Iterator[CheckMessage]:
    """W003, W004 and W005."""
    for signal in SIGNALS:
        endpoint = conf.otlp_endpoint(signal)
        if endpoint is None:
            continue
        protocol = conf.otlp_variable(signal, "PROTOCOL")
        if protocol not in ("", SUPPORTED_PROTOCOL):
            yield checks.Warning(
                f"OTLP protocol {protocol!r} is asked for {signal}; {SUPPORTED_PROTOCOL} is used.",
                hint=f"Set OTEL_EXPORTER_OTLP_PROTOCOL={SUPPORTED_PROTOCOL}, and the port for it (4318).",
                id="django_observe.W003",
            )
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https"):
            yield checks.Warning(
                f"The OTLP endpoint for {signal} is {endpoint!r}, which is no URL: nothing would arrive.",
                hint="Begin it with http:// or https://, as in http://localhost:4318.",
                id="django_observe.W005",
            )
        if (
            url.scheme == "http"
            and conf.otlp_variable(signal, "HEADERS")
            and not _is_private(url.hostname or "")
        ):
            yield checks.Warning(
                f"OTLP headers for {signal} go to {url.hostname} over plain HTTP, readable on the way.",
                hint="Use https:// in the endpoint, or a collector on a private address.",
                id="django_observe.W004",
            )


@_listed
def check_deployment(**_: Any) -> Iterator[CheckMessage]:
    """W101, W102 and W103."""
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
    everyone = [network for network in settings.metrics_allow if network.prefixlen == 0]
    if settings.metrics_path is not None and everyone:
        yield checks.Warning(
            f"METRICS_ALLOW has {everyone[0]}: every peer may read {settings.metrics_path}.",
            hint="Name the networks Prometheus asks from, or set METRICS_TOKEN and an empty METRICS_ALLOW.",
            id="django_observe.W103",
        )


@_listed
def check_logging(**_: Any) -> Iterator[CheckMessage]:
    """W104 and W105; only at deployment, as a setting of the project's own that we do not depend on."""
    if conf.logging_disables_existing():
        yield checks.Warning(
            "LOGGING has disable_existing_loggers on: loggers of libraries imported before fall silent.",
            hint='Set "disable_existing_loggers": False in LOGGING.',
            id="django_observe.W104",
        )
    if not conf.logging_left_alone() and not logwiring.speaks_json():
        yield checks.Warning(
            "LOGGING has formats of its own: its lines are no JSON, and secrets in them are not masked.",
            hint='Let a formatter be {"()": "django_observe.json.JsonFormatter"}.',
            id="django_observe.W105",
        )


def _is_private(host: str) -> bool:
    return trust.may_be_told(host, conf.settings().propagate_to, conf.PRIVATE_NETWORKS)
