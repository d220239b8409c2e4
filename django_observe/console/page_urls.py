"""URLs of the pages' listener."""

from django.urls import path

from django_observe.console import api, jaeger, pages, static_files

urlpatterns = [
    path("", pages.home),
    path("traces", pages.traces),
    path("trace/<str:trace_id>", pages.trace),
    path("logs", pages.logs),
    path("c/<path:correlation_id>", pages.correlation),
    path("search", pages.search),
    path("static/<str:version>/<str:name>", static_files.static_file),
    path("api/v3/services", jaeger.services),
    path("api/v3/operations", jaeger.operations),
    path("api/v3/traces", jaeger.traces),
    path("api/v3/traces/<str:trace_id>", jaeger.trace),
    path("api/logs", api.logs),
    path("api/status", api.status),
]
handler404 = "django_observe.console.page.not_found"
