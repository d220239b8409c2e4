"""URLs of the OTLP listener."""

from django.urls import path

from django_observe.console import receiver

urlpatterns = [
    path("v1/traces", receiver.traces),
    path("v1/logs", receiver.logs),
    path("v1/metrics", receiver.metrics),
]
handler404 = "django_observe.console.receiver.unknown"
