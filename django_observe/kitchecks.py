"""System checks of other kits beside us: what of them can be removed, and what is left to them till then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.cache import caches
from django.core.checks import CheckMessage
from django.db import connections
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

from django_observe import conf, logwiring, middleware, otlpchecks, superseded
from django_observe.reporting import guard

PAGES = "In the documentation: how-to/move-from-"
_PROMETHEUS = "django_prometheus"
_REMOVED = {
    superseded.STRUCTLOG: ("its middleware", "django-structlog"),
    superseded.REQUEST_ID: ("LOG_REQUESTS", "django-guid"),
}
"""By kit: what to remove for our line of requests to come, and the page of the move."""

INSTRUMENTORS = {
    "celery": "CeleryInstrumentor",
    "httpx": "HTTPXClientInstrumentor",
    "psycopg": "PsycopgInstrumentor",
    "redis": "RedisInstrumentor",
    "requests": "RequestsInstrumentor",
    "sqlite3": "SQLite3Instrumentor",
    "threading": "ThreadingInstrumentor",
    "urllib": "URLLibInstrumentor",
    "urllib3": "URLLib3Instrumentor",
}
"""By library: OpenTelemetry's instrumentations that need no call beside us."""


def check_kits() -> Iterator[CheckMessage]:
    """W002, W006, W007, W008, W014 and W017; not of what we leave to another kit for good, by a switch."""
    settings = conf.settings()
    if settings.metrics is True:
        yield from _prometheus()
    yield from _identifiers()
    if settings.logs is True:
        yield from _lines()
    if settings.traces and middleware.OPENTELEMETRY in conf.middleware():
        yield checks.Warning(
            "OpenTelemetry's own Django middleware is in front of ours: it goes on with the trace of every "
            "caller, whatever TRUSTED_PEERS says, and makes spans of scrapes and probes.",
            hint="Remove DjangoInstrumentor().instrument(), or opentelemetry-instrument from the command: "
            f"the OTEL_* variables are enough. {PAGES}opentelemetry.md",
            id="django_observe.W008",
        )
    if settings.traces:
        yield from _opentelemetry()
    if settings.logs and logwiring.has_opentelemetrys():
        yield checks.Warning(
            "OpenTelemetry's own handler exports what root hears: records as they are, no secret masked.",
            hint="Remove LoggingInstrumentor().instrument(): OTEL_LOGS_EXPORTER=otlp has lines exported, and "
            f"masked. {PAGES}opentelemetry.md",
            id="django_observe.W014",
        )


def _opentelemetry() -> Iterator[CheckMessage]:
    """Of what the project's own code set up; what `opentelemetry-instrument` did goes with that, by W008."""
    current = _provider()
    if otlpchecks.AUTO in sys.modules or _is_of_a_vendor(current):
        return
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    by_hand = sdk is not None and type(current) is sdk.TracerProvider  # ours extend it
    found = ["TracerProvider"] * by_hand + [*_instrumentors_by_hand()]
    if found:
        yield checks.Warning(
            f"OpenTelemetry is set up by hand, where django_observe would do it: {', '.join(found)}.",
            hint="Remove them, if what it exports goes by OTLP: OTEL_EXPORTER_OTLP_ENDPOINT is enough. "
            f"{PAGES}opentelemetry.md",
            id="django_observe.W017",
        )


def _provider() -> Any:
    """The one that is set: get_tracer_provider() sets one where OTEL_PYTHON_TRACER_PROVIDER is set."""
    return getattr(sys.modules.get("opentelemetry.trace"), "_TRACER_PROVIDER", None)


def _is_of_a_vendor(current: Any) -> bool:
    """Whether a part is not OpenTelemetry's own: Langfuse and others put theirs into its provider."""
    if _is_ours(current):
        return False
    active = getattr(current, "_active_span_processor", None)
    processors = getattr(active, "_span_processors", ())
    exporters = [getattr(each, "span_exporter", getattr(each, "_exporter", None)) for each in processors]
    parts = [each for each in (current, active, *processors, *exporters) if each is not None]
    return not all(type(each).__module__.startswith("opentelemetry.") or _is_ours(each) for each in parts)


def _is_ours(part: object) -> bool:
    return type(part).__module__.startswith("django_observe.")


def _instrumentors_by_hand() -> Iterator[str]:
    ours = getattr(sys.modules.get("django_observe.instrumentation"), "switched_on", ())
    for library, name in INSTRUMENTORS.items():
        module = sys.modules.get(f"opentelemetry.instrumentation.{library}")
        found = getattr(getattr(module, name, None), "_instance", None)
        # that of Celery's tasks is ours, and says itself whether it goes on for the project's
        is_theirs = getattr(found, "goes_on", library not in ours)
        if found is not None and found.is_instrumented_by_opentelemetry and is_theirs:
            yield name


def _prometheus() -> Iterator[CheckMessage]:
    found = list(superseded.superseded().paths)
    for name, handler, key in (("DATABASES", connections, "ENGINE"), ("CACHES", caches, "BACKEND")):
        for alias, chosen in handler.settings.items():
            if str(chosen.get(key, "")).startswith(f"{_PROMETHEUS}."):
                found.append(f"{chosen[key]} in {name}[{alias!r}]")
    if _serves_metrics():
        found.append("its URLs in the URLconf, whose page is served in place of ours")
    found += [
        f"ExportModelOperationsMixin in {model._meta.label}"  # noqa: SLF001 - Django's own public name
        for model in apps.get_models()
        if any(base.__qualname__.startswith("ExportModelOperationsMixin(") for base in model.__mro__)
    ]
    if found:
        yield checks.Warning(
            f"django-prometheus counts under the same names as django_observe: {'; '.join(found)}.",
            hint=f"Remove them: names and labels stay the same. {PAGES}django-prometheus.md",
            id="django_observe.W002",
        )


def _serves_metrics() -> bool:
    path, urlconf = conf.settings().metrics_path, conf.urlconf()
    if path is None or not urlconf or _PROMETHEUS not in sys.modules:
        return False
    with guard("checks"):
        try:
            view = resolve(path, urlconf).func
        except Resolver404:
            return False
        return view.__module__.partition(".")[0] == _PROMETHEUS
    return False


def _identifiers() -> Iterator[CheckMessage]:
    for package, kit, header in (
        ("django_guid", "django-guid", _guid_header),
        ("log_request_id", "django-log-request-id", _request_id_header),
    ):
        entries = _entries_of(package)
        if entries:
            name = header()
            keeps = f"DJANGO_OBSERVE['CORRELATION_HEADER'] = {name!r} keeps the header. " if name else ""
            yield checks.Warning(
                f"{kit} ({', '.join(entries)}) keeps a second name of the correlation ID.",
                hint=f"Remove it from MIDDLEWARE, and what LOGGING has of it. {keeps}{PAGES}django-guid.md",
                id="django_observe.W006",
            )


def _guid_header() -> str:
    settings = sys.modules["django_guid.config"].settings
    return str(settings.guid_header_name) if settings.return_header else ""


def _request_id_header() -> str:
    settings = sys.modules["log_request_id.middleware"].settings
    return str(getattr(settings, "REQUEST_ID_RESPONSE_HEADER", "") or "")


def _lines() -> Iterator[CheckMessage]:
    for path, kit in superseded.tellers_of_requests().items():
        removed, page = _REMOVED[kit]
        yield checks.Warning(
            f"{path} writes a line for each request: django_observe's is left out.",
            hint=f"Remove {removed}: our line comes then, with route and duration. {PAGES}{page}.md",
            id="django_observe.W007",
        )
    if conf.settings().celery and superseded.are_tasks_to_be_told():
        yield checks.Warning(
            "DJANGO_STRUCTLOG_CELERY_ENABLED has lines written for each task: in its workers "
            "django_observe's are left out.",
            hint=f"Remove it, and DjangoStructLogInitStep: ours come then. {PAGES}django-structlog.md",
            id="django_observe.W007",
        )


def _entries_of(package: str) -> list[str]:
    """Entries of MIDDLEWARE that are of `package`, or extend what is."""
    found = []
    for path in conf.middleware():
        with guard("checks"):
            entry = import_string(path)
            modules = [path, *(each.__module__ for each in getattr(entry, "__mro__", ()))]
            if any(module.partition(".")[0] == package for module in modules):
                found.append(path)
    return found
