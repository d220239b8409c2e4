"""URLs of the pages' listener."""

from django.urls import path

from django_observe.console import api, events, everything, export, jaeger, static_files, tailing
from django_observe.console.pages import (
    changes,
    correlation,
    logs,
    pin,
    search,
    service,
    services,
    settings,
    system_map,
    trace,
    traces,
)

urlpatterns = [
    path("", search.home),
    path("services", services.services),
    path("services/<path:name>", service.service),
    path("map", system_map.system_map),
    path("traces", traces.traces),
    path("trace/<str:trace_id>.json", export.as_json),
    path("trace/<str:trace_id>.txt", export.as_text),
    path("trace/<str:trace_id>", trace.trace),
    path("trace/<str:trace_id>/pin", pin.pin),
    path("logs", logs.logs),
    path("c/<path:correlation_id>", correlation.correlation),
    path("settings", settings.settings),
    path("settings/clear", changes.clear),
    path("settings/sample", changes.send_sample),
    path("settings/zone", changes.zone),
    path("search", search.search),
    path("static/<str:version>/<path:name>", static_files.static_file),
    path("api/v3/services", jaeger.services),
    path("api/v3/operations", jaeger.operations),
    path("api/v3/traces", jaeger.traces),
    path("api/v3/traces/<str:trace_id>", jaeger.trace),
    path("export.jsonl", everything.export),
    path("events", events.events),
    path("api/logs", api.logs),
    path("api/ids", api.ids),
    path("api/tail", tailing.tail),
    path("api/status", api.status),
]
handler404 = "django_observe.console.page.not_found"
handler500 = "django_observe.console.page.broken"
