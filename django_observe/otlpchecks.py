"""System checks of OpenTelemetry's variables: what would keep telemetry from arriving, without sending."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from django.core import checks
from django.core.checks import CheckMessage

from django_observe import conf, trust

SIGNALS = ("traces", "logs")
SUPPORTED_PROTOCOL = "http/protobuf"
GRPC_PORT = 4317
SAMPLERS = ("always_on", "always_off", "traceidratio")
"""OTEL_TRACES_SAMPLER of the SDK's configuration, each with `parentbased_` before it too."""

AUTO = "opentelemetry.instrumentation.auto_instrumentation"
"""What `opentelemetry-instrument` imports in the process it starts."""

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def check_export() -> Iterator[CheckMessage]:
    """W003 to W005 and W009 to W013: of what is exported, each variable once."""
    told: set[tuple[str, str]] = set()
    for signal in SIGNALS:
        endpoint = conf.otlp_endpoint(signal) or ""
        if conf.exports(signal):
            for found in (*_endpoint(signal, endpoint), *_headers(signal, endpoint)):
                if (key := (str(found.id), found.msg)) not in told:
                    told.add(key)
                    yield found
        elif not endpoint and _is_asked_for(signal):
            yield checks.Warning(
                f"OTEL_{signal.upper()}_EXPORTER names otlp, and no endpoint is set: nothing is sent.",
                hint=f"Set {_ENDPOINT}, such as http://localhost:4318: there is no default.",
                id="django_observe.W011",
            )
    if conf.exports("traces"):
        yield from _sampler()


def _endpoint(signal: str, endpoint: str) -> Iterator[CheckMessage]:
    url, variable = _split(endpoint), _variable(signal, "ENDPOINT")
    protocol = conf.otlp_variable(signal, "PROTOCOL")
    if protocol not in ("", SUPPORTED_PROTOCOL):
        yield checks.Warning(
            f"{_variable(signal, 'PROTOCOL')} is {protocol!r}; {SUPPORTED_PROTOCOL} is used all the same.",
            hint=f"Set it to {SUPPORTED_PROTOCOL}, and the port for that (4318) in the endpoint.",
            id="django_observe.W003",
        )
    if url is None:
        shown = repr(endpoint) if "@" not in endpoint else "with a user's name or password"
        yield checks.Warning(
            f"{variable} is {shown}, which is no URL: nothing would arrive.",
            hint="Begin it with http:// or https://, as in http://localhost:4318.",
            id="django_observe.W005",
        )
        return
    if url.port == GRPC_PORT:
        yield checks.Warning(
            f"{variable} has port {GRPC_PORT}, which is gRPC's.",
            hint=f"Use the port for {SUPPORTED_PROTOCOL}, mostly 4318.",
            id="django_observe.W009",
        )
    if variable == _ENDPOINT and url.path.rstrip("/").endswith(f"/v1/{signal}"):
        yield checks.Warning(
            f"{_ENDPOINT} ends with /v1/{signal}, which is added to it for each signal.",
            hint=f"Leave /v1/{signal} out, or set OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT instead.",
            id="django_observe.W010",
        )


def _headers(signal: str, endpoint: str) -> Iterator[CheckMessage]:
    """Their values are not shown: they are often keys."""
    given, url = conf.otlp_variable(signal, "HEADERS"), _split(endpoint)
    variable = _variable(signal, "HEADERS")
    if given and url is not None and url.scheme == "http" and not _is_private(url.hostname or ""):
        yield checks.Warning(
            f"{variable} goes to {url.hostname} over plain HTTP, readable on the way.",
            hint="Use https:// in the endpoint, or a collector on a private address.",
            id="django_observe.W004",
        )
    malformed = [place for place, item in enumerate(given.split(","), 1) if item.strip() and "=" not in item]
    if malformed:
        yield checks.Warning(
            f"{variable}: item {malformed[0]} has no '='; it is not sent.",
            hint="Write them as name=value,name=value; other characters as %20 and the like.",
            id="django_observe.W012",
        )


def _sampler() -> Iterator[CheckMessage]:
    given = conf.environment("OTEL_TRACES_SAMPLER").lower()
    name, argument = given.removeprefix("parentbased_"), conf.environment("OTEL_TRACES_SAMPLER_ARG")
    if given and name not in SAMPLERS:
        yield checks.Warning(
            f"OTEL_TRACES_SAMPLER is {given!r}, which is not known: every trace is kept.",
            hint=f"Choose one of {', '.join(SAMPLERS)}, or one of these with parentbased_ before it.",
            id="django_observe.W013",
        )
    elif name == "traceidratio" and not _is_ratio(argument):
        yield checks.Warning(
            f"OTEL_TRACES_SAMPLER_ARG is {argument!r}, which is no ratio: every trace is kept.",
            hint="Give a number from 0 to 1, such as 0.1.",
            id="django_observe.W013",
        )


def _is_asked_for(signal: str) -> bool:
    """Under opentelemetry-instrument, which sets the variable itself, it is not for us."""
    asked = conf.environment(f"OTEL_{signal.upper()}_EXPORTER").lower().split(",")
    disabled = conf.environment("OTEL_SDK_DISABLED").lower() == "true"
    return "otlp" in map(str.strip, asked) and not disabled and AUTO not in sys.modules


def _variable(signal: str, name: str) -> str:
    """The variable that decides for `signal`."""
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}"
    return own if conf.environment(own) else f"OTEL_EXPORTER_OTLP_{name}"


def _split(endpoint: str) -> SplitResult | None:
    """An endpoint in its parts; None where it is no URL that anything could be sent to."""
    try:
        url = urlsplit(endpoint)
        is_sound = url.port != 0 and bool(url.hostname)
    except ValueError:
        return None
    return url if is_sound and url.scheme in ("http", "https") else None


def _is_ratio(argument: str) -> bool:
    try:
        return 0 <= float(argument) <= 1
    except ValueError:
        return False


def _is_private(host: str) -> bool:
    """Whether it has a private address or name, or is a service of the project's own."""
    patterns = {*conf.Settings().propagate_to, *conf.settings().propagate_to} - {"*"}
    return trust.may_be_told(host, tuple(patterns), conf.PRIVATE_NETWORKS)
