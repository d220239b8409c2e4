"""URLs of the pages' listener."""

from django.urls import path

from django_observe.console import api, jaeger

urlpatterns = [
    path("api/v3/services", jaeger.services),
    path("api/v3/operations", jaeger.operations),
    path("api/v3/traces", jaeger.traces),
    path("api/v3/traces/<str:trace_id>", jaeger.trace),
    path("api/logs", api.logs),
    path("api/status", api.status),
]
